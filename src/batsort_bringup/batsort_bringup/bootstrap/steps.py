"""Set-up steps as the user sees them: one line each with its time, the full output in a log."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

LAST_LINES = 15
PATIENCE_S = 5.0
INTERRUPTS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


class SetupError(Exception):
    """Why set-up can't go on and what to do next, for the user to read."""


def run_step(
    title: str,
    command: Sequence[str | Path],
    log: Path,
    environ: Mapping[str, str],
    folder: Path,
    advice: str,
) -> None:
    """Run a command to its end; an interrupt ends it with all its children.

    Args:
        title: what the user reads while it runs.
        command: program and arguments.
        log: file that takes everything the command prints.
        environ: its environment.
        folder: where it runs.
        advice: what the user can do when it fails.

    Raises:
        SetupError: the command could not be started or has failed.
    """
    print(f"{title} ...", end="", flush=True)
    begin = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        # An interrupt waits until there is a process that can be ended.
        outer = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, outer),
            )
        except OSError as error:
            signal.pthread_sigmask(signal.SIG_SETMASK, outer)
            print(" failed", flush=True)
            raise SetupError(f"can't start {command[0]}: {error.strerror}\n{advice}") from error
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, outer)
            status = process.wait()
        except BaseException:
            _end_group(process)
            print(" interrupted", flush=True)
            raise
    if status == 0:
        print(f" {time.monotonic() - begin:.0f} s", flush=True)
        return
    print(" failed", flush=True)
    lines = log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
    tail = "\n".join(f"  {line}" for line in lines[-LAST_LINES:])
    raise SetupError(f"{title}: exit status {status}\n{tail}\nfull log: {log}\n{advice}")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(PATIENCE_S)
