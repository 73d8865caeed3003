"""The walk that calibrates a new cell: `./cell commission`."""
