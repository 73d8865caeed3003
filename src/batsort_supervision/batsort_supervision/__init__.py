"""Who may run: PackML states, supervision, links between nodes, OEE. Pure Python."""
