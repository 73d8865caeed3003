from cells import sized_cell

__all__ = ["sized_cell"]
