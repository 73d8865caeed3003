"""The processes of a cell, told by the nodes that they run."""

from __future__ import annotations

import psutil

_NODE = "__node:="


def node_name(process: psutil.Process) -> str:
    """Name of the node that a process runs; empty: none. Raises psutil.NoSuchProcess."""
    return next((w.removeprefix(_NODE) for w in process.cmdline() if w.startswith(_NODE)), "")


def nodes() -> dict[str, psutil.Process]:
    """Those started by this process or its children, by the name of their node."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        try:
            name = node_name(process)
        except psutil.NoSuchProcess:
            continue
        if name:
            found[name] = process
    return found
