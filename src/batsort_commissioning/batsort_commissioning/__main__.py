"""`./cell commission`: launch backend and camera, walk through the calibration, write the file."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from batsort_bringup import runner
from batsort_bringup.installed import cell_file, share
from batsort_bringup.launch_tags import LaunchError
from batsort_commissioning.calibration import FEWEST_FEEDS, FEWEST_SHOTS, CalibrationError
from batsort_commissioning.cell_file import edited, has_aliases, write
from batsort_commissioning.findings import Finding
from batsort_commissioning.people import Nobody, Person, Stopped, Technician
from batsort_commissioning.rig import Rig
from batsort_commissioning.station import RigError
from batsort_commissioning.walk import HEADER, changes, walk, write_page
from batsort_core.cell import Bin, CellDescription
from batsort_description.cell_file import described
from batsort_files.documents import ConfigurationError, document_of, read_document
from batsort_files.folders import FolderError, make_folder
from batsort_files.yaml_words import dumped

FEEDS, SHOTS = 3, 12
REFUSED, FAILED = 2, 1
TWIN_PARAMETERS = {"rate": 6.0, "min_gap": 0.05, "pitch_scatter": 0.0, "unknown_share": 0.0}
"""Batteries far enough apart for shots beside them."""


class CommissionError(ValueError):
    """An option that the walk can't go with: one line with name, value and what is allowed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk; 0 where the description was written or left on purpose, else nothing is written."""
    options = _options(arguments)
    try:
        text, cell = _description("--cell", options.cell)
        if has_aliases(text):
            raise CommissionError(
                f"--cell: {options.cell}: YAML aliases (*name) are refused; allowed: every figure "
                "written out"
            )
        _, truth = _description("--truth", options.truth or options.cell)
        bins = _bins(options.valves, cell)
        _check(options)
        given = runner.parse_arguments(options.arguments)
        make_folder("--report", options.report)
    except (CommissionError, LaunchError, FolderError) as error:
        print(f"commission: {error}", file=sys.stderr)
        return REFUSED
    folder: Path = options.report
    os.environ.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(share() / "config" / "fastdds.xml"))
    # However it is ended, the belt is stopped and the valves are disabled before the drivers go.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    findings: list[Finding] = []

    def show(finding: Finding) -> None:
        findings.append(finding)
        picture = folder / f"{finding.name}.png"
        finding.drawing.savefig(picture, dpi=130)
        print(f"\n{finding.title}: {finding.text}")
        print(_table([change.row for change in finding.changes]))
        print(f"picture: {picture}\n", flush=True)

    end = "Nothing was written."
    status = FAILED
    try:
        with ExitStack() as stack:
            launch = stack.enter_context(_Launch(options, given, truth, folder))
            rig = Rig(cell, given.get("namespace", ""), launch.ended)
            stack.callback(rig.close)
            rig.up()
            person: Person = Nobody(rig) if options.yes else Technician()
            walk(rig, cell, bins, options.feeds, options.shots, person, show)
        new = edited(text, {change.key: change.text for change in changes(findings)})
        person.agree(f"Write these figures to {options.write}?")
        kept = write(options.write, new)
        end = f"Written to {options.write}" + (f", the old file is {kept}." if kept else ".")
        status = 0
    except Stopped:
        status = 0
    except (CalibrationError, RigError, ConfigurationError, LaunchError, OSError) as error:
        print(f"commission: {error}", file=sys.stderr)
        end = f"{error}. {end}"
    except KeyboardInterrupt:
        status = 130
    write_page(folder / "commissioning.html", cell, findings, end)
    print(f"{end}\npage: {folder / 'commissioning.html'}")
    return status


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="cell commission",
        description="Calibrate a new cell: encoder scale, camera line, ejectors and valve lead.",
    )
    add = parser.add_argument
    add("--backend", choices=("hardware", "micro_ros", "twin"), default="hardware")
    add("--cell", type=Path, default=cell_file(), metavar="FILE", help="description to correct")
    add("--write", type=Path, metavar="FILE", help="where to write it; default: in place")
    add("--valves", metavar="N,N,...", help="fire only these; default: all")
    add("--feeds", type=int, default=FEEDS, metavar="N", help=f"of the belt; default {FEEDS}")
    add("--shots", type=int, default=SHOTS, metavar="N", help=f"at each edge; default {SHOTS}")
    add("--yes", action="store_true", help="ask nothing: for the twin")
    add("--truth", type=Path, metavar="FILE", help="what the twin is in truth")
    add(
        "--launched", action="store_true", help="commission.launch.xml runs already: launch nothing"
    )
    default = Path("reports") / f"commissioning_{datetime.now():%Y%m%d_%H%M%S}"
    add("--report", type=Path, default=default, metavar="DIR", help="folder of page and pictures")
    add("arguments", nargs="*", metavar="NAME:=VALUE", help="arguments of commission.launch.xml")
    options = parser.parse_args(arguments)
    options.cell = options.cell.resolve()
    if options.write is None:
        # A trial on the twin is no reason to change the description of a real cell.
        twin = options.backend == "twin"
        options.write = options.report / "cell.yaml" if twin else options.cell
    return options


def _description(name: str, path: Path) -> tuple[str, CellDescription]:
    try:
        text = path.read_text(encoding="utf-8")
        return text, described(document_of(path, text))
    except (OSError, UnicodeDecodeError) as error:
        raise CommissionError(f"{name}: {path} can't be read ({error})") from None
    except ConfigurationError as error:
        raise CommissionError(f"{name}: {error}") from None


def _bins(wanted: str | None, cell: CellDescription) -> tuple[Bin, ...]:
    if wanted is None:
        return cell.ejectors
    valves = {str(bin.valve): bin for bin in cell.ejectors}
    words = wanted.split(",")
    if not set(words) <= set(valves):
        known = ",".join(valves)
        raise CommissionError(f"--valves: {wanted!r} is refused; allowed: some of {known}")
    return tuple(bin for valve, bin in valves.items() if valve in words)


def _check(options: argparse.Namespace) -> None:
    for name, value, good, allowed in (
        ("--feeds", options.feeds, FEWEST_FEEDS <= options.feeds <= 20, f"{FEWEST_FEEDS} to 20"),
        ("--shots", options.shots, FEWEST_SHOTS <= options.shots <= 100, f"{FEWEST_SHOTS} to 100"),
        ("--truth", options.truth, not options.truth or options.backend == "twin", "with the twin"),
        ("--yes", options.backend, not options.yes or options.backend == "twin", "with the twin"),
        (
            "--write",
            options.write,
            os.access(options.write if options.write.exists() else options.write.parent, os.W_OK)
            or options.write.parent == options.report,
            "a file that can be written",
        ),
    ):
        if not good:
            raise CommissionError(f"{name}: {value} is refused; allowed: {allowed}")


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [HEADER, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADER))]
    return "\n".join(
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


class _Launch:
    """commission.launch.xml in a thread of its own, its lines in nodes.log."""

    def __init__(
        self,
        options: argparse.Namespace,
        given: dict[str, str],
        truth: CellDescription,
        folder: Path,
    ) -> None:
        self._arguments = {"backend": options.backend, "cell_file": str(options.cell), **given}
        self._launched = options.launched
        self._log: TextIO = (folder / "nodes.log").open("w", encoding="utf-8")
        self._folder = tempfile.TemporaryDirectory(prefix="batsort_commission_")
        if options.backend == "twin":
            self._arguments |= self._twin(options, truth)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="launch")
        self._end: str | None = None

    def ended(self) -> str | None:
        """Why it is over; None while it runs."""
        return self._end

    def __enter__(self) -> _Launch:
        if not self._launched:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._launched:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        self._loop.close()
        self._folder.cleanup()
        self._log.close()

    def _run(self) -> None:
        path = share() / "launch" / "commission.launch.xml"
        launch = runner.run(path, self._arguments, on_line=self._on_line, stop=self._stop)
        try:
            self._end = f"status {self._loop.run_until_complete(launch)}"
        except LaunchError as error:
            self._end = str(error)

    def _on_line(self, node: str, line: str) -> None:
        print(f"[{node}] {line}", file=self._log, flush=True)

    def _twin(self, options: argparse.Namespace, truth: CellDescription) -> dict[str, str]:
        """Arguments of a twin whose valves open as its own description says."""
        default = share() / "config" / "nodes.yaml"
        parameters: dict[str, Any] = read_document(default).value
        own = {"opening_s": truth.ejection.lead_s, **TWIN_PARAMETERS}
        rate, share_ = own.pop("rate"), own.pop("unknown_share")
        parameters["/**/twin"] = {"ros__parameters": own}
        path = Path(self._folder.name) / "nodes.yaml"
        path.write_text(dumped(parameters), encoding="utf-8")
        return {
            "backend_cell_file": str((options.truth or options.cell).resolve()),
            "params_file": str(path),
            "rate": str(rate),
            "unknown_share": str(share_),
        }


if __name__ == "__main__":
    sys.exit(main())
