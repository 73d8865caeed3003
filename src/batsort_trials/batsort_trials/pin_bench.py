"""`./cell bench valve`: how exactly the valve thread of a Raspberry Pi cell fires on this machine.

The belt is carried on by the steady clock, so that every moment is known; the thread, its queue and
gpiozero are those of the cell. Pins are gpiozero's mock pins, or real ones where they are named.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import queue
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gpiozero import OutputDevice
from gpiozero.pins import Factory
from gpiozero.pins.mock import MockFactory
from gpiozero.pins.pi import PiPin
from matplotlib.figure import Figure
from tqdm import tqdm

from batsort_core.decisions import Shot
from batsort_core.firing import Motion, ShotEnd
from batsort_core.items import EjectResult
from batsort_files.folders import FolderError, make_folder
from batsort_hardware.gpio_inputs import Encoder
from batsort_hardware.gpio_pins import open_factory
from batsort_hardware.gpio_wiring import EncoderWiring, Pull
from batsort_hardware.protocols import SteadyStamps
from batsort_hardware.valve_thread import ValveThread
from batsort_reports.report import percentiles

EPOCH = 1
COUNTS_PER_S = 5000.0
"""0.5 m/s at 0.1 mm a count."""
LEAD_S, PULSE_S, LATE_S = 0.010, 0.005, 0.005
PITCH_S = (0.015, 0.035)
"""Between shots, scattered: no beat with whatever else wakes up."""
SPEEDS = (0.5, 1.0)
"""[m/s] at which errors are told in mm."""
MOCK_PINS = (5, 6)
ENCODER_PINS = (17, 27)
WIRING = EncoderWiring(*ENCODER_PINS, Pull.UP, missed_limit=1000, stale_s=0.5)
TURN = ((0, 0), (1, 0), (1, 1), (0, 1))
BATCH_S = 0.001


@dataclass(frozen=True, slots=True)
class Condition:
    """What else this machine does meanwhile."""

    name: str
    loaded: bool
    counting: bool


CONDITIONS = (
    Condition("idle", loaded=False, counting=False),
    Condition("idle, counting", loaded=False, counting=True),
    Condition("full load", loaded=True, counting=False),
    Condition("full load, counting", loaded=True, counting=True),
)


class Belt:
    """Runs at COUNTS_PER_S, exactly, from its making on."""

    def __init__(self) -> None:
        self._start = time.monotonic_ns()

    def motion(self) -> Motion:
        now = time.monotonic_ns()
        return Motion(now, EPOCH, COUNTS_PER_S * (now - self._start) / 1e9, COUNTS_PER_S)

    def due(self, shot: Shot) -> float:
        """When its valve is to be energised [ns]."""
        return self._start + (shot.target_count / COUNTS_PER_S - shot.lead_s) * 1e9


class Watched:
    """A valve's output, and when it was switched on [ns]."""

    def __init__(self, pin: int, factory: Factory, opened: list[int]) -> None:
        self.output = OutputDevice(pin, pin_factory=factory)
        self._opened = opened

    def on(self) -> None:
        self.output.on()
        self._opened.append(time.monotonic_ns())

    def off(self) -> None:
        self.output.off()


@dataclass(frozen=True, slots=True)
class Firing:
    """What came out under one condition."""

    errors_us: list[float]
    """From the moment a valve was due until its pin was on."""
    not_fired: list[str]
    """How their shots ended."""
    realtime: bool

    def figures(self) -> dict[str, Any]:
        """For people and for machines."""
        error = percentiles(self.errors_us)
        return {
            "fired": len(self.errors_us),
            "not fired": dict(Counter(self.not_fired)),
            "error [us]": error,
            **{
                f"error at {speed:g} m/s [mm]": {
                    name: None if value is None else round(value * speed * 1e-3, 3)
                    for name, value in error.items()
                }
                for speed in SPEEDS
            },
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write picture and figures."""
    parser = argparse.ArgumentParser(
        prog="cell bench valve", description="Measure how exactly the valve thread fires."
    )
    parser.add_argument("--shots", type=int, default=400, help="for each condition (400)")
    parser.add_argument(
        "--pins",
        type=int,
        nargs="+",
        metavar="BCM",
        help="switch these real pins, with no air on; mock pins without",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reports/valve"), help="folder (reports/valve)"
    )
    options = parser.parse_args(arguments)
    if options.shots < 1:
        parser.error(f"--shots: {options.shots} is refused; allowed: from 1")
    try:
        make_folder("--out", options.out)
    except FolderError as error:
        parser.error(str(error))
    factory = open_factory() if options.pins else MockFactory()
    found = {}
    with tqdm(total=options.shots * len(CONDITIONS), unit="shot") as bar:
        for condition in CONDITIONS:
            bar.set_description(condition.name)
            with busy(condition.loaded), counting(condition.counting):
                found[condition.name] = fire(
                    factory, options.pins or MOCK_PINS, options.shots, bar.update
                )
    figures = about(options.pins, found)
    text = json.dumps(figures, indent=2) + "\n"
    (options.out / "valve.json").write_text(text, encoding="utf-8")
    draw(found, figures, options.out / "valve.png")
    print(table(figures))
    print(f"{options.out / 'valve.png'}, {options.out / 'valve.json'}")
    return 0


def about(pins: Sequence[int] | None, found: dict[str, Firing]) -> dict[str, Any]:
    """The figures of a run, and where they were measured."""
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, "
        f"Python {platform.python_version()}",
        "preemption": "PREEMPT_RT" if "PREEMPT_RT" in platform.version() else "not PREEMPT_RT",
        "pins": f"GPIO {', '.join(map(str, pins))}" if pins else "gpiozero's mock pins",
        "SCHED_FIFO": "allowed" if all(f.realtime for f in found.values()) else "not allowed",
        "conditions": {name: firing.figures() for name, firing in found.items()},
    }


def fire(factory: Factory, pins: Sequence[int], shots: int, done: Callable[[int], Any]) -> Firing:
    """Fire that many shots, one after another, and compare."""
    opened: list[int] = []
    ends: queue.SimpleQueue[ShotEnd] = queue.SimpleQueue()
    outputs = {number: Watched(pin, factory, opened) for number, pin in enumerate(pins)}
    belt = Belt()
    thread = ValveThread(
        outputs, belt.motion, ends.put, time.monotonic_ns, stale_s=0.5, late_s=LATE_S
    )
    pitch = random.Random(0)
    fired: list[ShotEnd] = []
    not_fired: list[str] = []
    try:
        thread.enable(True)
        target = belt.motion().count + 0.2 * COUNTS_PER_S
        for item in range(shots):
            target += pitch.uniform(*PITCH_S) * COUNTS_PER_S
            shot = Shot(item, EPOCH, item % len(pins), True, round(target), LEAD_S, PULSE_S)
            thread.shoot(shot)
        for _ in range(shots):
            end = ends.get()
            done(1)
            if end.result is EjectResult.FIRED:
                fired.append(end)
            else:
                not_fired.append(str(end.result))
    finally:
        thread.close()
        for watched in outputs.values():
            watched.output.close()
    errors = [
        (at - belt.due(end.shot)) / 1e3 for at, end in zip(sorted(opened), fired, strict=True)
    ]
    return Firing(errors, not_fired, thread.realtime)


@contextlib.contextmanager
def busy(loaded: bool) -> Iterator[None]:
    """Every core has something else to do."""
    words = [sys.executable, "-S", "-c", "while True: pass"]
    processes = [subprocess.Popen(words) for _ in range(os.cpu_count() or 1) if loaded]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@contextlib.contextmanager
def counting(wanted: bool) -> Iterator[None]:
    """The encoder is counted in the same process, by mock pins' edges at the belt's speed."""
    ended = threading.Event()

    def turn() -> None:
        factory = MockFactory()
        encoder = Encoder(WIRING, factory, SteadyStamps())
        lines = [factory.pin(pin) for pin in ENCODER_PINS]
        began, place = time.monotonic(), 0
        while not ended.wait(BATCH_S):
            while place < (time.monotonic() - began) * COUNTS_PER_S:
                place += 1
                for line, level in zip(lines, TURN[place % 4], strict=True):
                    (line.drive_high if level else line.drive_low)()
        encoder.close()

    thread = threading.Thread(target=turn, name="belt", daemon=True)
    if wanted:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if wanted:
            thread.join()


def table(figures: dict[str, Any]) -> str:
    """The figures in 80 columns."""
    lines = [
        "",
        figures["machine"],
        f"{figures['pins']}; {figures['preemption']}; SCHED_FIFO for the valve thread: "
        f"{figures['SCHED_FIFO']}",
        "",
        f"{'':21}{'error [us]':>24}{'mm at 0.5 m/s':>16}{'mm at 1 m/s':>16}",
        f"{'':21}{'p50':>8}{'p99':>8}{'max':>8}{'p99':>8}{'max':>8}{'p99':>8}{'max':>8}",
    ]
    why: list[str] = []
    for name, one in figures["conditions"].items():
        error = one["error [us]"]
        cells = [_shown(error[key], 0) for key in ("p50", "p99", "max")]
        for speed in SPEEDS:
            millimetres = one[f"error at {speed:g} m/s [mm]"]
            cells += [_shown(millimetres[key], 2) for key in ("p99", "max")]
        lines.append(f"{name:21}" + "".join(f"{cell:>8}" for cell in cells))
        why += [f"{name}: {n} not fired ({reason})" for reason, n in one["not fired"].items()]
    return "\n".join((*lines, *why))


def _shown(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def draw(found: dict[str, Firing], figures: dict[str, Any], path: Path) -> None:
    """Write the histograms as PNG."""
    figure = Figure(figsize=(9, 8), layout="constrained")
    figure.suptitle(
        "From the moment a valve was due until its pin was on\n"
        f"{figures['machine']}; {figures['pins']}; SCHED_FIFO {figures['SCHED_FIFO']}",
        fontsize=11,
    )
    bins = np.geomspace(1.0, 10_000.0, 81)
    rows = figure.subplots(len(found), 1, sharex=True)
    for axes, (name, firing) in zip(rows, found.items(), strict=True):
        axes.hist(np.clip(firing.errors_us, bins[0], bins[-1]), bins=bins, color="#2a7f62")
        p99 = figures["conditions"][name]["error [us]"]["p99"]
        if p99 is not None:
            axes.axvline(p99, color="#c8553d", linewidth=1.0)
            axes.text(
                p99, 0.95, f" p99 {p99:.0f} us", va="top", transform=axes.get_xaxis_transform()
            )
        axes.set_title(name, loc="left", fontsize=10)
        axes.set_ylabel("shots")
    rows[-1].set_xscale("log")
    rows[-1].set_xlabel("error [us]; 1000 us are 1 mm at 1 m/s")
    figure.savefig(path, dpi=110)


def bench_encoder(edges: int = 50_000) -> dict[str, Any]:
    """What one edge costs in Python; the kernel and lgpio come on top on a real pin."""
    factory = MockFactory()
    encoder = Encoder(WIRING, factory, SteadyStamps())
    lines = [factory.pin(pin) for pin in ENCODER_PINS]
    began = time.perf_counter()
    for edge in range(edges):
        level = TURN[(edge + 3) % 4][edge % 2]
        # The way that an edge of lgpio takes; a mock pin's own keeps a list of all of them.
        PiPin._call_when_changed(lines[edge % 2], time.monotonic(), level)
    spent = time.perf_counter() - began
    counted, missed = encoder.motion.count, encoder.missed
    encoder.close()
    return {
        "edge [us]": round(1e6 * spent / edges, 2),
        "edges/s that fill one core": round(edges / spent),
        "counted": f"{counted:.0f} of {edges}, {missed} missed",
    }
