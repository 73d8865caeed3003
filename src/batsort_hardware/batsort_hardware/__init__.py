"""Drivers of real sensors, valves and cameras: what a driver's author reads, and nothing else.

No ROS in here. `protocols` is what a driver gives, `batsort_nodes.hardware` the node around it.
"""
