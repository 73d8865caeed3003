"""Hardware behind small protocols; chosen by parameter, the rest of the cell can't tell which."""
