"""How a process joins the graph of a cell.

`topics` is the one table of topics and services, `from_messages` and `to_messages` are the one home
of every field. `names`, `images` and `from_messages` need no ROS, so that bags use them too.
"""
