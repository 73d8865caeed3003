"""`./cell soak`: every scenario on the running cell, and random streams through the core."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from batsort_bringup.installed import default_cell, scenario_files
from batsort_files.folders import FolderError, make_folder
from batsort_trials.core_soak.streams import soak
from batsort_trials.processes import start_demo

MOST_SHOWN = 20
COLUMNS = (
    "scenario",
    "kept",
    "items",
    "outcomes",
    "wrong bin",
    "identity",
    "noticed",
    "operator reads",
)
WIDTHS = (22, 8, 5, 30, 12, 8, 16, 36)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 0 only where no promise was broken."""
    options = _options(arguments)
    if options.streams:
        return run_streams(options.streams, options.seed)
    folder: Path = options.report
    rows = []
    runs = [(name, seed) for name in options.scenarios for seed in range(options.seeds)]
    try:
        for number, (name, seed) in enumerate(runs, 1):
            began = time.monotonic()
            row = run_scenario(name, options.seed + seed, folder)
            rows.append(row)
            print(
                f"[{number}/{len(runs)}] {name}, seed {options.seed + seed}: "
                f"{'kept' if row['kept'] else 'BROKEN'} ({time.monotonic() - began:.0f} s)",
                flush=True,
            )
    except KeyboardInterrupt:
        print("soak: interrupted", file=sys.stderr)
    (folder / "soak.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    (folder / "soak.md").write_text(markdown(rows), encoding="utf-8")
    print("\n".join(table(rows)))
    print(f"\nreports: {folder}")
    return 0 if len(rows) == len(runs) and all(row["kept"] for row in rows) else 1


def run_streams(runs: int, seed: int) -> int:
    """Random streams with every fault through the core, no ROS; 0 only without a broken promise."""
    cell = default_cell()
    with tqdm(total=runs, unit="run") as bar:
        found = soak(cell, runs, seed, lambda findings: bar.update())
    for broken in found.broken[:MOST_SHOWN]:
        print(broken)
    outcomes = ", ".join(f"{n} {name}" for name, n in found.outcomes.most_common())
    faults = ", ".join(f"{name} {n}" for name, n in sorted(found.faults.items()))
    print(
        f"{found.runs} runs, {found.events} events, {found.items} items, {found.fired} shots\n"
        f"outcomes: {outcomes}\nruns with each fault: {faults}\n"
        f"broken promises: {len(found.broken)}"
    )
    return int(bool(found.broken))


def run_scenario(name: str, seed: int, folder: Path) -> dict[str, Any]:
    """One scenario by `./cell demo`, in a process of its own; what came of it."""
    report = folder / f"{Path(name).stem}_{seed}"
    words = ("--scenario", name, "--seed", str(seed), "--report", str(report))
    with start_demo(*words, stderr=subprocess.PIPE) as demo:
        _, said = demo.communicate()
    file = report / "report.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    return {
        "scenario": Path(name).stem,
        "seed": seed,
        "kept": demo.returncode == 0,
        "said": [line for line in said.splitlines() if line.startswith("demo: ")],
        **{key: found.get(key) for key in ("items_in", "outcomes", "errors")},
        "report": found.get("scenario"),
        "identity": bool(found) and not found["faults"],
    }


def texts(runs: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """The columns of all runs of one scenario, for people."""
    reports = [run["report"] or {"wrong_bin": [], "operator_reads": run["said"]} for run in runs]
    kept = sum(run["kept"] for run in runs)
    outcomes: Counter[str] = Counter()
    for run in runs:
        outcomes.update(run["outcomes"] or {})
    wrong = [one for report in reports for one in report["wrong_bin"]]
    after = sum(one["after_standing"] for one in wrong)
    noticed = "-"
    if seen := [report for report in reports if report.get("noticed_after_m") is not None]:
        metres = _range([report["noticed_after_m"] for report in seen], 2)
        seconds = _range([report["noticed_after_s"] for report in seen], 1)
        noticed = f"{metres} m, {seconds} s"
    read = dict.fromkeys(text for report in reports for text in report["operator_reads"])
    return (
        runs[0]["scenario"],
        f"{kept} of {len(runs)}",
        str(sum(run["items_in"] or 0 for run in runs)),
        ", ".join(f"{n} {name}" for name, n in outcomes.items() if n),
        f"{len(wrong)}, after {after}",
        "holds" if all(run["identity"] for run in runs) else "BROKEN",
        noticed,
        " / ".join(read) or "-",
    )


def table(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Lines for a terminal, long texts below each other; one row for all runs of a scenario."""
    lines = [COLUMNS]
    for runs in _by_scenario(rows):
        wrapped = zip(texts(runs), WIDTHS, strict=True)
        cells = [textwrap.wrap(text, width) for text, width in wrapped]
        height = max(map(len, cells))
        lines += [tuple(cell[i] if i < len(cell) else "" for cell in cells) for i in range(height)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def markdown(rows: Iterable[dict[str, Any]]) -> str:
    """The same as a table of a page."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *map(texts, _by_scenario(rows))]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _by_scenario(rows: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    scenarios: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        scenarios.setdefault(row["scenario"], []).append(row)
    return list(scenarios.values())


def _range(values: Sequence[float], digits: int) -> str:
    """From the least to the most of them."""
    least, most = (f"{end:.{digits}f}" for end in (min(values), max(values)))
    return least if least == most else f"{least} to {most}"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="cell soak",
        description="Run scenarios of faults on the twin and hold the cell to its promises.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    names = list(scenario_files())
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(names)}")
    parser.add_argument(
        "--streams",
        type=int,
        default=0,
        metavar="N",
        help="random streams with every fault through the core, in place of scenarios",
    )
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="runs of each")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the first run")
    default = Path("reports") / f"soak_{datetime.now():%Y%m%d_%H%M%S}"
    parser.add_argument("--report", type=Path, default=default, metavar="DIR", help="folder")
    options = parser.parse_args(arguments)
    for name, value, good, allowed in (
        ("--streams", options.streams, options.streams >= 0, "0 or more"),
        ("--seeds", options.seeds, options.seeds >= 1, "1 or more"),
        *(
            ("SCENARIO", one, one in names or Path(one).is_file(), f"a file, {', '.join(names)}")
            for one in options.scenarios
        ),
    ):
        if not good:
            parser.error(f"{name}: {value} is refused; allowed: {allowed}")
    options.scenarios = options.scenarios or names
    try:
        if not options.streams:
            make_folder("--report", options.report)
    except FolderError as error:
        parser.error(str(error))
    return options


if __name__ == "__main__":
    sys.exit(main())
