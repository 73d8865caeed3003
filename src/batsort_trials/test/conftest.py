from cells import cell, sized_cell

__all__ = ["cell", "sized_cell"]
