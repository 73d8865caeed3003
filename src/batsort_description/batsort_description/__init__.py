"""The description of a cell: its file, where its parts are, its URDF."""
