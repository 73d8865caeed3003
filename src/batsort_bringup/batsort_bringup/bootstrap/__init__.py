"""Sets BatSort up on a bare machine and starts its commands: what `./cell` does.

Standard library only: it runs before anything is installed.
"""
