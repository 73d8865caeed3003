"""Drivers of real sensors, valves and cameras: what a driver's author reads, and nothing else.

No ROS in here. `drivers` is the table of them, `protocols` what a driver gives, `driver_contract`
what it keeps; `batsort_nodes.hardware` is the node around it.
"""
