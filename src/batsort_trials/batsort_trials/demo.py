"""`./cell demo`: launch the cell on the twin, show it sorting, and report on what it did."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from batsort_bringup import runner
from batsort_bringup.installed import share
from batsort_bringup.launch_tags import LaunchError
from batsort_files.folders import FolderError, make_folder
from batsort_graph.versions import versions
from batsort_reports.attribution import counts
from batsort_reports.report import Run, summarize
from batsort_reports.scenario_report import summarize_scenario
from batsort_reports.shift import time_spent
from batsort_supervision.oee import possible_rate
from batsort_trials.demo_options import (
    DemoError,
    asked_bundle,
    asked_cell,
    asked_scenario,
    check_options,
    parse_options,
)
from batsort_trials.demo_report import write_report
from batsort_trials.demo_run import sort
from batsort_trials.watcher import Watcher


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the exit status is 0 only where every item has one outcome and all adds up."""
    options = parse_options(arguments)
    try:
        cell = asked_cell(options.cell)
        bundle = asked_bundle(options.bundle)
        scenario = asked_scenario(options)
        check_options(options, cell)
        make_folder("--report", options.report)
    except (DemoError, FolderError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return runner.REFUSED
    os.environ.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(share() / "config" / "fastdds.xml"))
    folder: Path = options.report
    run = Run(
        bin_of_type=cell.recipe.types,
        others=cell.recipe.others,
        trained_photos=bundle.photo_hashes if options.photos else frozenset(),
    )
    began = time.monotonic()
    watcher = Watcher(run, cell)
    try:
        status = asyncio.run(sort(options, scenario, watcher, folder))
    except LaunchError as error:
        print(f"demo: {error}", file=sys.stderr)
        return runner.REFUSED
    finally:
        watcher.close()
    if status == runner.REFUSED:
        return status
    report = summarize(run) | {
        "belt_speed_m_per_s": options.belt_speed,
        "rate_per_s": options.rate,
        "seed": options.seed,
        "bundle": bundle.id,
        "duration_s": round(time.monotonic() - began, 1),
        "first_sorted_s": run.first_sorted_s,
        "errors": counts(run),
        "versions": versions(),
    }
    rate = possible_rate(cell, options.belt_speed)
    report |= time_spent(watcher.observed, report["outcomes"], rate)
    if scenario is not None:
        report["scenario"] = summarize_scenario(run, watcher.observed)
    write_report(run, cell, report, folder, options.record)
    broken = list(report["faults"])
    if scenario is not None and report["scenario"]["wrong_bin_after_standing"]:
        broken.append("items were blown into wrong bins after the cell had stood for the fault")
    for fault in broken:
        print(f"demo: {fault}", file=sys.stderr)
    return 1 if status or broken else 0


if __name__ == "__main__":
    sys.exit(main())
