"""How a model bundle is made: photos, lessons, network, head, calibration, export.

The library behind the commands of `batsort_learning`. TensorFlow is imported here, in
`efficientnet_lite`, `network`, `exports` and `resnet`; elsewhere only where that package studies
other ways to learn.
"""
