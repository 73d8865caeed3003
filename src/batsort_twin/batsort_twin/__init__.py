"""Embedded simulator of a BatSort cell: physics, camera, sensors, valves and ground truth.

`sim.Twin` is the cell, `camera.Renderer` what its camera sees, `wraps.skin_for` the drawn batteries
and `photos.PhotoLibrary` the photographed ones; `node` is the thin ROS node around them.
"""
