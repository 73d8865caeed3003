"""How every node runs: one executor, a clean end, a bad configuration told in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from batsort_files.documents import REFUSED, ConfigurationError


def run(make_node: Callable[[], Node]) -> int:
    """Spin one node until it is told to end.

    Returns:
        The exit status: 0 after a normal end, 2 where the configuration was refused.
    """
    rclpy.init()
    node = None
    try:
        node = make_node()
        # Told to end while the node was made: an executor can't be made any more, and rclpy's own
        # would print a traceback as it is thrown away.
        if rclpy.ok():
            executor = SingleThreadedExecutor()
            executor.add_node(node)
            executor.spin()
    except ConfigurationError as error:
        print(error, file=sys.stderr, flush=True)
        return REFUSED
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except RuntimeError:
        # What rclpy raises where it is told to end while a node is being made.
        if rclpy.ok():
            raise
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0
