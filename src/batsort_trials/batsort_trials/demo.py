"""`./cell demo`: launch the cell on the twin, show it sorting, and report on what it did."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from batsort_bags.reader import Bag, BagError
from batsort_bringup import runner
from batsort_bringup.installed import cell_file, scenario_files, share
from batsort_bringup.launch_tags import LaunchError
from batsort_core.cell import CellDescription
from batsort_description.cell_file import read_cell
from batsort_files.documents import ConfigurationError
from batsort_files.folders import FolderError, make_folder
from batsort_graph.topics import READER, TOPICS, TWIN
from batsort_graph.versions import versions
from batsort_interfaces.msg import BeltState, CellState, ItemOutcome
from batsort_perception.bundle import Bundle, BundleError, default_bundle
from batsort_reports import run_log
from batsort_reports.attribution import counts
from batsort_reports.report import Run, summarize
from batsort_reports.scenario_report import Happened, Observed, summarize_scenario
from batsort_reports.shift import time_spent
from batsort_supervision.oee import possible_rate
from batsort_trials.operator import Breaker, Operator
from batsort_twin.scenario import Scenario, ScenarioError, read_scenario

if TYPE_CHECKING:
    from batsort_reports.print_reading import Printed

ITEMS, RATE, SPEED = 100, 5.0, 0.5
LOOK_S = 0.2
PLAIN_LINE_S = 5.0
SLACK_S = 60.0
HELD_S = 10.0
QUIET_S = 1.5
FORGOTTEN_S = 1.0
"""Until the graph does without nodes that have ended."""
LOUD = ("[WARN]", "[ERROR]", "[FATAL]")


class DemoError(ValueError):
    """An option that the demo can't run with: one line with name, value and what is allowed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the exit status is 0 only where every item has one outcome and all adds up."""
    options = _options(arguments)
    try:
        cell = _cell(options.cell)
        bundle = _bundle(options.bundle)
        scenario = _scenario(options)
        _check(options, cell)
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
        status = asyncio.run(_sort(options, scenario, watcher, folder))
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
    # Loaded here: the running cell has no use for it.
    from batsort_reports.print_reading import heard
    from batsort_reports.run_picture import draw

    printed = heard(run)
    report["print"] = printed.figures(run, cell.recipe)
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(_table(report))
    draw(run, report, folder / "run.png")
    _write_page(run, cell, report, printed, folder, options.record)
    print(f"\nreport: {folder / 'report.html'}   picture: {folder / 'run.png'}")
    broken = list(report["faults"])
    if scenario is not None and report["scenario"]["wrong_bin_after_standing"]:
        broken.append("items were blown into wrong bins after the cell had stood for the fault")
    for fault in broken:
        print(f"demo: {fault}", file=sys.stderr)
    return 1 if status or broken else 0


def _write_page(
    run: Run,
    cell: CellDescription,
    report: dict[str, Any],
    printed: Printed,
    folder: Path,
    recorded: bool,
) -> None:
    from batsort_reports.bag_report import uncertain
    from batsort_reports.print_reading import seen_in
    from batsort_reports.run_page import as_page

    pictures = None
    if recorded:
        try:
            with Bag(folder / "bag") as bag:
                printed.show(bag, run, cell.recipe, seen_in(bag))
                pictures = uncertain(bag, cell, run.lives, printed.refused)
        except BagError as error:
            printed.refused.append(str(error))
    for line in dict.fromkeys(printed.refused):
        print(f"demo: {line}", file=sys.stderr)
    page = as_page(f"BatSort: {folder.name}", report, pictures, printed.pictures)
    (folder / "report.html").write_text(page, encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="cell demo",
        description="Sort batteries on the embedded twin and report on it.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--items", type=int, metavar="N", help=f"items to sort; default {ITEMS}")
    add("--rate", type=float, metavar="ITEMS_PER_S", help=f"items fed a second; default {RATE}")
    add("--belt-speed", type=float, metavar="M_PER_S", help=f"speed of the belt; default {SPEED}")
    add(
        "--scenario",
        metavar="NAME_OR_FILE",
        help="faults to inject, of config/scenarios or a file; it has defaults of its own for "
        "items, rate and speed",
    )
    add("--seed", type=int, default=0, metavar="N", help="seed of the stream of items")
    add("--photos", type=Path, metavar="DIR", help="show real photos, one folder per type")
    add("--cell", type=Path, metavar="FILE", help="cell description, in place of the default")
    add("--bundle", type=Path, metavar="DIR", help="model bundle, in place of the default")
    add("--record", action="store_true", help="record an MCAP bag into the report folder")
    add(
        "--record-images",
        choices=("raw", "png", "jpeg", "off"),
        default="raw",
        help="images in the bag: raw and png keep every pixel",
    )
    default = Path("reports") / f"{datetime.now():%Y%m%d_%H%M%S}"
    add("--report", type=Path, default=default, metavar="DIR", help="folder of the report")
    return parser.parse_args(arguments)


def _cell(path: Path | None) -> CellDescription:
    path = path or cell_file()
    try:
        return read_cell(path)
    except ConfigurationError as error:
        raise DemoError(f"--cell: {error}") from None


def _bundle(path: Path | None) -> Bundle:
    try:
        return Bundle.load(path or default_bundle())
    except BundleError as error:
        raise DemoError(f"--bundle: {error}") from None


def _scenario(options: argparse.Namespace) -> Scenario | None:
    """The scenario asked for; what it says of the run stands where nothing else is asked."""
    scenario = None
    if options.scenario:
        known, path = scenario_files(), Path(options.scenario)
        if not path.is_file():
            path = known.get(options.scenario, path)
        if not path.is_file():
            raise DemoError(
                f"--scenario: {options.scenario!r} is refused; allowed: a file, {', '.join(known)}"
            )
        options.scenario = path
        try:
            scenario = read_scenario(path)
        except ScenarioError as error:
            raise DemoError(f"--scenario: {error}") from None
    for name, default, told in (
        ("items", ITEMS, scenario and scenario.items),
        ("rate", RATE, scenario and scenario.rate),
        ("belt_speed", SPEED, scenario and scenario.belt_velocity),
    ):
        if getattr(options, name) is None:
            setattr(options, name, told or default)
    return scenario


def _check(options: argparse.Namespace, cell: CellDescription) -> None:
    top = cell.belt.max_velocity
    for name, value, good, allowed in (
        ("--items", options.items, options.items >= 1, "1 or more"),
        ("--rate", options.rate, 0.1 <= options.rate <= 50.0, "0.1 to 50"),
        ("--belt-speed", options.belt_speed, 0.05 <= options.belt_speed <= top, f"0.05 to {top}"),
        ("--seed", options.seed, 0 <= options.seed < 2**31, "0 to 2147483647"),
        (
            "--photos",
            options.photos,
            options.photos is None or options.photos.is_dir(),
            "a folder with one folder per type",
        ),
        (
            "--report",
            options.report,
            not _foreign(options.report),
            "a new folder, or one of an earlier demo, whose bag and journal are replaced",
        ),
    ):
        if not good:
            raise DemoError(f"{name}: {value} is refused; allowed: {allowed}")


def _foreign(folder: Path) -> bool:
    """Whether something lies there that a demo would replace, and that no demo has left."""
    replaced = any((folder / name).exists() for name in ("bag", "journal"))
    return replaced and not (folder / "nodes.log").exists()


async def _sort(
    options: argparse.Namespace, scenario: Scenario | None, watcher: Watcher, folder: Path
) -> int:
    """Launch, watch until the stream has been sorted, and end every process.

    Returns:
        0 where all was sorted, 2 where a node refused its configuration, 1 for anything else.
    """
    journal = folder / "journal"
    shutil.rmtree(journal, ignore_errors=True)
    arguments = {
        "backend": "twin",
        "items": str(options.items),
        "rate": str(float(options.rate)),
        "belt_velocity": str(float(options.belt_speed)),
        "seed": str(options.seed),
        "photos": str(options.photos.resolve()) if options.photos else "",
        "bundle": str(options.bundle.resolve()) if options.bundle else "",
        "journal_dir": str(journal.resolve()),
    }
    if options.cell:
        arguments["cell_file"] = str(options.cell.resolve())
    if options.record:
        bag = folder / "bag"
        shutil.rmtree(bag, ignore_errors=True)
        arguments |= {
            "record": "true",
            "record_path": str(bag.resolve()),
            "record_images": options.record_images,
        }
    if scenario is not None:
        arguments |= {"faults": str(options.scenario.resolve()), "respawn": "true"}
        if scenario.unknown_share is not None:
            arguments["unknown_share"] = str(scenario.unknown_share)
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
            return await _watch(options, watcher, display, launch, staff, interrupted)
        finally:
            display.close()
            if staff is not None:
                staff.close()
            # Now, since Fast DDS can block for ever where it is shut while others leave.
            watcher.close()
            launch.cancel()
            await asyncio.gather(launch, return_exceptions=True)


async def _watch(
    options: argparse.Namespace,
    watcher: Watcher,
    display: Display,
    launch: asyncio.Future[int],
    staff: Staff | None,
    interrupted: asyncio.Event,
) -> int:
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


class Staff:
    """Those who work at a cell in a scenario: one who breaks things, and an operator."""

    def __init__(self, scenario: Scenario, watcher: Watcher) -> None:
        self._watcher = watcher
        self._operator = Operator(watcher, scenario.operator == "mend")
        self._breaker = Breaker(scenario.cell, self._note)
        watcher.observed.read = self._operator.read

    def step(self) -> None:
        """To be called a few times a second."""
        self._breaker.step(len(set(self._watcher.run.items)))
        self._operator.step()

    def close(self) -> None:
        """Leave nothing stopped or starved."""
        self._breaker.close()

    def _note(self, fault: str, begins: bool) -> None:
        moment = self._watcher.log.moment(time.monotonic())
        self._watcher.observed.happened.append(Happened(fault, begins, moment))


class Watcher(Node):
    """Listens to a running cell and fills a `Run`; a thread of its own spins it."""

    def __init__(self, run: Run, cell: CellDescription, namespace: str = "") -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        super().__init__(
            "watcher", context=self._context, namespace=namespace, start_parameter_services=False
        )
        self.run = run
        self.belt_length = cell.others.distance
        """From the barrier to the belt's end [m]."""
        self.log = run_log.RunLog(run, cell.belt.metres_per_count)
        self._held_since: float | None = None
        self._truth_heard = math.inf
        for name in run_log.TOPICS:
            topic = (TOPICS | READER | TWIN)[name]
            qos = topic.qos
            qos.depth = 1000
            self.create_subscription(topic.type, name, partial(self._hear, name), qos)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self)
        self._thread = threading.Thread(target=self._spin, name="watcher", daemon=True)
        self._thread.start()

    def sorted_all(self, items: int) -> bool:
        """Whether the whole stream has left the belt and every item has its outcome."""
        balance = self.run.bins
        return (
            balance.on_belt == 0
            and time.monotonic() - self._truth_heard > QUIET_S
            and balance.items_in == len(set(self.run.items)) == len(self.run.outcomes)
            and self.run.left >= items
        )

    def held_s(self) -> float:
        """How long the cell has stood with something for an operator to do [s]."""
        return 0.0 if self._held_since is None else time.monotonic() - self._held_since

    def close(self) -> None:
        """Stop listening."""
        self._context.try_shutdown()
        self._thread.join(timeout=5.0)

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            return

    @property
    def belt(self) -> BeltState:
        """The newest reading."""
        return self.log.belt

    @property
    def cell_state(self) -> CellState:
        """As last heard."""
        return self.log.cell_state

    @property
    def observed(self) -> Observed:
        """What was seen beside the items."""
        return self.log.observed

    def _hear(self, topic: str, message: Any) -> None:
        self.log.hear(topic, message, time.monotonic())
        if topic == "cell/state":
            standing = message.state in ("held", "aborted", "stopped") and bool(message.cure)
            if standing and self.belt.header.stamp.sec and self._held_since is None:
                self._held_since = time.monotonic()
            elif not standing:
                self._held_since = None
        elif topic == "twin/truth":
            self._truth_heard = time.monotonic()
        elif topic == "items/outcomes" and message.outcome == ItemOutcome.SORTED_CONFIRMED:
            self.run.first_sorted_s = self.run.first_sorted_s or round(_age_s(), 2)


class Display:
    """One live line on a terminal; a plain line now and then where there is none."""

    def __init__(self, watcher: Watcher, items: int) -> None:
        self._watcher = watcher
        self._items = items
        self._live = sys.stdout.isatty()
        self._shown = 0.0

    def show(self) -> None:
        """Show where the cell is now."""
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{self._line()[:width]}", end="", flush=True)
        elif time.monotonic() - self._shown > PLAIN_LINE_S:
            self._shown = time.monotonic()
            print(self._line(), flush=True)

    def note(self, text: str) -> None:
        """Something to read that stays."""
        print(f"\r\x1b[K{text}" if self._live else text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the live line."""
        self.show()
        if self._live:
            print()

    def _line(self) -> str:
        watcher = self._watcher
        balance = watcher.run.bins
        if not watcher.belt.header.stamp.sec:
            return "starting the cell ..."
        bins = "  ".join(f"{b.name} {b.confirmed}" for b in balance.bins if b.confirmed)
        return (
            f"{watcher.cell_state.state or 'starting'} | belt {watcher.belt.velocity:.2f} m/s | "
            f"{_rate(watcher.run.items):.1f} items/s | in {balance.items_in} of {self._items}, "
            f"on belt {balance.on_belt} | {bins}"
        )


def _age_s() -> float:
    """How long ago this process began, with the `./cell` that became it [s]."""
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    began = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began


def _rate(items: Sequence[int], last: int = 20) -> float:
    """Items a second over the newest ones; their ids are the stamps of their leading edges [us]."""
    newest = sorted(items)[-last:]
    span = newest[-1] - newest[0] if newest else 0
    return (len(newest) - 1) * 1e6 / span if span else 0.0


def _table(report: dict[str, Any]) -> str:
    rows = [("bin", "count", "confirmed", "missing", "purity")]
    for name, figures in report["bins"].items():
        purity = figures["purity"]
        rows.append(
            (
                name,
                str(figures["count"]),
                str(figures["confirmed"]),
                str(figures["missing"]),
                "-" if purity is None else f"{purity:.1%}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [""]
    for row in rows:
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        lines.append("  ".join((row[0].ljust(widths[0]), *cells)))
    outcomes = ", ".join(f"{name} {n}" for name, n in report["outcomes"].items() if n)
    lines += [
        "",
        f"items in {report['items_in']} = out {report['items_out']} + on belt {report['on_belt']}"
        f"; unexpected {report['unexpected']}; wrong bin {report['wrong_bin']}; "
        f"misclassified {report['misclassified']}; late {report['late']}",
        f"outcomes: {outcomes or 'none'}",
        f"purity {_interval(report, 'purity')}   recovery {_interval(report, 'recovery')}   "
        f"unknown in others {_part(report['unknown_in_others'])}",
        f"fire error p99 {_number(report['fire_error_mm']['p99'])} mm   "
        f"aim error p99 {_number(report['aim_error_mm']['p99'])} mm   "
        f"verdict p50 {_number(report['verdict_latency_ms']['p50'])} ms, "
        f"p99 {_number(report['verdict_latency_ms']['p99'])} ms",
    ]
    errors = ", ".join(f"{cause} {n}" for cause, n in report["errors"].items())
    lines.append(f"errors by cause: {errors or 'none'}")
    if report["photos_shown"]:
        lines.append(
            f"photos shown {report['photos_shown']}, of these trained on "
            f"{report['photos_trained_on']}"
        )
    return "\n".join(lines)


def _interval(report: dict[str, Any], name: str) -> str:
    bounds = report[f"{name}_interval_95"]
    if bounds is None:
        return "not measured"
    return f"{report[name]:.1%} (95 %: {bounds[0]:.1%} to {bounds[1]:.1%})"


def _part(share: dict[str, Any]) -> str:
    return "none shown" if share["value"] is None else f"{share['value']:.1%} of {share['n']}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main())
