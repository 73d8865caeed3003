"""Everything a BatSort cell decides, as pure Python: calls in, decisions out.

No ROS, no clock, no threads, no files. Stamps are integer nanoseconds since the Unix epoch and only
ever come from the caller; counts are unwrapped encoder counts; `epoch` is an opaque integer naming
the zero point of the counts. The same calls give the same answers, bit for bit.
"""
