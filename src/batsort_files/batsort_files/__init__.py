"""One way in for files, and one way out: documents checked by field, folders, pages.

Everybody may import it and it imports nobody.
"""
