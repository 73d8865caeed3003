"""`./cell bench`: how fast the core decides, a verdict comes, and a whole cell runs.

Figures are medians and percentiles of many runs on the machine at hand; nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from batsort_bags.reader import Bag
from batsort_bags.replay import replay
from batsort_bags.replayed import Changes
from batsort_bringup.installed import default_cell
from batsort_core.belt import BeltReading
from batsort_core.bins import BinCounter
from batsort_core.decisions import Decision
from batsort_core.items import EjectResult, Item, Reason, Verdict
from batsort_core.sorter import Sorter
from batsort_files.folders import FolderError, make_folder
from batsort_perception.bundle import Bundle, default_bundle
from batsort_perception.engine import Engine
from batsort_reports.report import percentiles
from batsort_trials import pin_bench
from batsort_trials.processes import node_name, start_demo

EPOCH = 1
SAMPLE_S = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks and print one table."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["valve"]:
        return pin_bench.main(words[1:])
    parser = argparse.ArgumentParser(
        prog="cell bench",
        description="Measure the cell on this machine.",
        epilog="cell bench valve has options of its own: see cell bench valve --help",
    )
    parser.add_argument(
        "parts",
        nargs="*",
        choices=[*PARTS, []],
        metavar="PART",
        help=f"of {', '.join(PARTS)}; all without",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args(words)
    try:
        if options.json:
            make_folder("--json", options.json.parent)
    except FolderError as error:
        parser.error(str(error))
    figures: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    }
    print(figures["machine"])
    for part in options.parts or PARTS:
        figures[part] = PARTS[part]()
        width = max(map(len, figures[part]))
        print(f"\n{part}")
        for name, value in figures[part].items():
            print(f"  {name.ljust(width)}  {value}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def bench_core(items: int = 2000, rate: float = 10.0, velocity: float = 1.0) -> dict[str, Any]:
    """Decide and settle a stream of items with everything that is heard of them, no ROS."""
    cell = default_cell()
    sorter, bins = Sorter(cell), BinCounter(cell)
    scale = cell.belt.metres_per_count
    types = list(cell.recipe.types)
    pitch = round(velocity / rate / scale)
    ticks_per_item = round(50.0 / rate)
    decided_s: list[float] = []
    began = time.perf_counter()
    for index in range(items + 40):
        for tick in range(ticks_per_item):
            stamp = round((index + tick / ticks_per_item) / rate * 1e9)
            count = round(stamp * 1e-9 * velocity / scale)
            reading = BeltReading(stamp, EPOCH, count, count * scale, velocity, True)
            sorter.on_belt(reading)
            bins.on_belt(reading)
        if index >= items:
            continue
        item = Item(1 + stamp // 1000, EPOCH, index * pitch, 0.05, stamp)
        bins.on_item(item)
        sorter.on_item(item)
        type = types[index % len(types)]
        scores = dict.fromkeys(types, 0.0) | {type: 0.99}
        verdict = Verdict(item.id, type, 0.99, 0.1, stamp, scores)
        before = time.perf_counter()
        results = sorter.on_verdict(verdict)
        decided_s.append(time.perf_counter() - before)
        for result in results:
            if isinstance(result, Decision):
                bins.on_decision(result)
                if result.reason is Reason.SORT:
                    bins.on_eject_event(item.id, EjectResult.FIRED, stamp, count)
                    bins.on_arrival(result.bin, stamp + 1, EPOCH, count)
        bins.drain()
    spent = time.perf_counter() - began
    return {
        "items": items,
        "times real time at 10 items/s": round(items / rate / spent, 1),
        "decision [us]": percentiles(1e6 * s for s in decided_s),
    }


def bench_verdict(runs: int = 200) -> dict[str, Any]:
    """From a crop to type and confidence, two threads, one image at a time."""
    began = time.perf_counter()
    engine = Engine(Bundle.load(default_bundle()), threads=2)
    loaded = time.perf_counter() - began
    generator = np.random.default_rng(0)
    crops = generator.integers(0, 256, (16, 160, 160, 3), np.uint8)
    taken = []
    for run in range(runs + 10):
        before = time.perf_counter()
        engine.classify(crops[run % len(crops)])
        taken.append(time.perf_counter() - before)
    return {
        "bundle": engine.bundle.id,
        "load [s]": round(loaded, 3),
        "verdict [ms]": percentiles(1e3 * s for s in taken[10:]),
    }


def bench_cell(
    items: int = 200, rate: float = 10.0, belt_speed: float = 1.0, options: Sequence[str] = ()
) -> dict[str, Any]:
    """The whole cell on the twin: start-up, latency, processor time and memory of each node."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        words = ("--items", str(items), "--rate", str(rate), "--belt-speed", str(belt_speed))
        demo = start_demo(*words, "--report", folder, *options)
        shares, memory = _watch(demo, lambda: (Path(folder) / "report.json").exists())
        status = demo.wait()
        report = json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))
    figures = {
        "exit status": status,
        "items/s": report["throughput_per_s"],
        "late": report["late"],
        "missing": report["outcomes"]["missing"],
        "first sorted after [s]": report["first_sorted_s"],
        "verdict latency [ms]": report["verdict_latency_ms"],
        "memory in all, PSS [MB]": round(max(memory, default=0.0)),
        "whole run [s]": round(time.monotonic() - began, 1),
    }
    for node, samples in sorted(shares.items()):
        figures[f"{node} [% of a core]"] = round(float(np.median(samples)))
    return figures


def bench_recording(items: int = 100) -> dict[str, Any]:
    """The same run without a recorder, and with one for each way to record images."""
    figures = {}
    for images in ("", "off", "raw", "png", "jpeg"):
        run = bench_cell(items, options=("--record", "--record-images", images) if images else ())
        name = f"images {images}" if images else "not recorded"
        figures[f"{name}, verdict latency [ms]"] = run["verdict latency [ms]"]
        if images:
            figures[f"{name}, recorder [% of a core]"] = run["recorder [% of a core]"]
    return figures


def bench_replay(items: int = 100, rate: float = 5.0) -> dict[str, Any]:
    """A recorded run decided again: from the bag's verdicts, and from its images."""
    with tempfile.TemporaryDirectory() as folder:
        words = ("--items", str(items), "--rate", str(rate), "--record", "--report", folder)
        status = start_demo(*words).wait()
        engine = Engine(Bundle.load(default_bundle()), threads=2)
        figures: dict[str, Any] = {"exit status of the recorded run": status}
        for name, changes in (
            ("verdicts of the bag", Changes()),
            ("judged again from images", Changes(engine=engine)),
        ):
            speeds = []
            for _ in range(5):
                began = time.perf_counter()
                with Bag(Path(folder) / "bag") as bag:
                    found = replay(bag, changes)
                speeds.append((found.last - found.first) / 1e9 / (time.perf_counter() - began))
            figures[f"{name}, times real time"] = round(float(np.median(speeds)), 1)
            figures[f"{name}, the same bit for bit"] = found.same
    return figures


def _watch(
    demo: subprocess.Popen[str], ended: Callable[[], bool]
) -> tuple[dict[str, list[float]], list[float]]:
    """Sample processor shares per node and the memory of all until the run has ended."""
    shares: dict[str, list[float]] = defaultdict(list)
    memory: list[float] = []
    seen: dict[int, psutil.Process] = {}
    root = psutil.Process(demo.pid)
    while demo.poll() is None and not ended():
        total = 0.0
        for process in (root, *root.children(recursive=True)):
            known = seen.setdefault(process.pid, process)
            try:
                share = known.cpu_percent()
                total += known.memory_full_info().pss / 1e6
                if known is not process:
                    shares[node_name(known) or "demo"].append(share)
            except psutil.NoSuchProcess:
                continue
        memory.append(total)
        time.sleep(SAMPLE_S)
    return shares, memory


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "core": bench_core,
    "verdict": bench_verdict,
    "encoder": pin_bench.bench_encoder,
    "cell": bench_cell,
    "recording": bench_recording,
    "replay": bench_replay,
}


if __name__ == "__main__":
    sys.exit(main())
