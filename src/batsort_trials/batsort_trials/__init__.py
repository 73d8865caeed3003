"""What a cell is put through: demo, scenarios of faults, soak and benchmarks."""
