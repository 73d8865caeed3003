"""One command a module: its documentation is its description."""
