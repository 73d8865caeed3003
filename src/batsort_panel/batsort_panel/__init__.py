"""The operator's panel: one page in a browser, for whoever has neither rviz nor rqt.

`document` and `guard` are plain Python; `server` knows the network and no ROS; `panel` is the node.
"""
