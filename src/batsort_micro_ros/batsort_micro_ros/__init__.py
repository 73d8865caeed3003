"""A micro-ROS board as the cell's sensors and valves.

The contract it is held to, and a reference board that keeps it.
"""
