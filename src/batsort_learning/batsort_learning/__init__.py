"""The commands that people call to teach the cell, and the studies of what it learns.

`commands` has one module each; what makes a bundle is the library `batsort_training`. Beside that
library, only the studies `transfer` and `compare` import TensorFlow.
"""
