"""The ROS 2 nodes of the BatSort cell: messages in, core decisions out."""
