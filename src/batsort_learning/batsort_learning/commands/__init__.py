"""One module per command, with `arguments(parser)` and `run(options)`; see `__main__`.

A module of this folder imports what takes long (TensorFlow) only when its command runs.
"""
