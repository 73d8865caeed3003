from cells import cell

__all__ = ["cell"]
