"""The processes of a cell, told by the nodes that they run; and a demo as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO

import psutil

from batsort_bringup.runner import die_with

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


def start_demo(*words: str, stderr: int | IO[str] | None = None) -> subprocess.Popen[str]:
    """`./cell demo` as a process; the kernel ends it, and its cell, when this one is gone."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "batsort_trials.demo", *words],
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        text=True,
        preexec_fn=die_with(os.getpid()),
    )
