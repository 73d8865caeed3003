from nodes_in_process import bench, own_domain

__all__ = ["bench", "own_domain"]
