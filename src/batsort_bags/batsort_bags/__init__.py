"""Bags of a cell's runs: written, read, replayed through the core and compared.

Knows the cell's messages by their fields only, so that those of rclpy and those of a bag are read
by the same code, and no ROS is needed to replay.
"""
