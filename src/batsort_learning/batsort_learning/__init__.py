"""Teaches the cell: photos and drawn batteries in, a model bundle with honest figures out.

The only package that imports TensorFlow, and that only in `efficientnet_lite` and `network`.
"""
