from cells import cell, document, sized_cell, veto_cell

__all__ = ["cell", "document", "sized_cell", "veto_cell"]
