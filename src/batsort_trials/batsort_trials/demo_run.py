"""The run of a demo: the launched cell, watched until everything was sorted."""

from __future__ import annotations

import argparse
import asyncio
import math
import shutil
import signal
import time
from pathlib import Path

from batsort_bringup import runner
from batsort_bringup.installed import share
from batsort_trials.display import Display
from batsort_trials.staff import Staff
from batsort_trials.watcher import Watcher
from batsort_twin.scenario import Scenario

LOOK_S = 0.2
SLACK_S = 60.0
HELD_S = 10.0
FORGOTTEN_S = 1.0
"""Until the graph does without nodes that have ended."""
LOUD = ("[WARN]", "[ERROR]", "[FATAL]")


async def sort(
    options: argparse.Namespace, scenario: Scenario | None, watcher: Watcher, folder: Path
) -> int:
    """Launch, watch until the stream has been sorted, and end every process.

    Returns:
        0 where all was sorted, 2 where a node refused its configuration, 1 for anything else.
    """
    for earlier in ("journal", "bag") if options.record else ("journal",):
        shutil.rmtree(folder / earlier, ignore_errors=True)
    arguments = _launch_arguments(options, scenario, folder)
    staff = Staff(scenario, watcher) if scenario is not None else None
    display = Display(watcher, options.items)
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    with (folder / "nodes.log").open("w", encoding="utf-8") as log:

        def on_line(node: str, line: str) -> None:
            print(f"[{node}] {line}", file=log, flush=True)
            if any(word in line for word in LOUD) or not line.startswith("["):
                display.note(f"[{node}] {line}")

        launch = asyncio.ensure_future(
            runner.run(share() / "launch" / "cell.launch.xml", arguments, on_line=on_line)
        )
        try:
            return await watch(options, watcher, display, launch, staff, interrupted)
        finally:
            display.close()
            if staff is not None:
                staff.close()
            # Now, since Fast DDS can block for ever where it is shut while others leave.
            watcher.close()
            launch.cancel()
            await asyncio.gather(launch, return_exceptions=True)


def _launch_arguments(
    options: argparse.Namespace, scenario: Scenario | None, folder: Path
) -> dict[str, str]:
    """What the launch file is told."""
    arguments = {
        "backend": "twin",
        "items": str(options.items),
        "rate": str(float(options.rate)),
        "belt_velocity": str(float(options.belt_speed)),
        "seed": str(options.seed),
        "photos": str(options.photos.resolve()) if options.photos else "",
        "bundle": str(options.bundle.resolve()) if options.bundle else "",
        "journal_dir": str((folder / "journal").resolve()),
    }
    if options.cell:
        arguments["cell_file"] = str(options.cell.resolve())
    if options.record:
        arguments |= {
            "record": "true",
            "record_path": str((folder / "bag").resolve()),
            "record_images": options.record_images,
        }
    if scenario is not None:
        arguments |= {"faults": str(options.scenario.resolve()), "respawn": "true"}
        if scenario.unknown_share is not None:
            arguments["unknown_share"] = str(scenario.unknown_share)
    return arguments


async def watch(
    options: argparse.Namespace,
    watcher: Watcher,
    display: Display,
    launch: asyncio.Future[int],
    staff: Staff | None,
    interrupted: asyncio.Event,
) -> int:
    """Until all is sorted, or something keeps it from that; the exit status."""
    slack = SLACK_S if staff is None else 2 * SLACK_S
    slack += watcher.belt_length / options.belt_speed
    progress, deadline = (-1, -1, -1), math.inf
    while True:
        done, _ = await asyncio.wait([launch], timeout=LOOK_S)
        display.show()
        run = watcher.run
        before, progress = progress, (len(run.items), len(run.truths), len(run.outcomes))
        if progress != before:
            deadline = time.monotonic() + slack
        if staff is not None:
            staff.step()
        if interrupted.is_set():
            display.note("demo: interrupted")
            return 1
        if not done and watcher.sorted_all(options.items):
            return 0
        own = 1
        if done:
            await asyncio.sleep(FORGOTTEN_S)
            own = 0
        # In a scenario the supervisor may be killed: then the next one is there beside the dead.
        if staff is None and watcher.count_publishers("cell/state") > own:
            display.note(
                "demo: another cell runs in this ROS domain; end it, or set another ROS_DOMAIN_ID"
            )
            return 1
        if done:
            display.note("demo: the cell ended before everything was sorted")
            return launch.result() or 1
        if staff is None and watcher.held_s() > HELD_S:
            state = watcher.cell_state
            display.note(f"demo: the cell stays {state.state}: {state.reason}; {state.cure}")
            return 1
        if time.monotonic() > deadline:
            display.note(
                f"demo: nothing has moved for {slack:.0f} s: {run.left} of {options.items} items "
                f"have left the belt, {len(run.outcomes)} outcomes"
            )
            return 1
