"""`./cell soak`: every scenario on the running cell, and random streams through the core."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from batsort_core.soak import soak

from .installed import default_cell, scenario_files

MOST_SHOWN = 20
WIDTHS = (22, 5, 30, 12, 8, 16, 44)
COLUMNS = ("scenario", "items", "outcomes", "wrong bin", "identity", "noticed", "operator reads")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 0 only where no promise was broken."""
    options = _options(arguments)
    if options.streams:
        return run_streams(options.streams, options.seed)
    folder: Path = options.report
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    runs = [(name, seed) for name in options.scenarios for seed in range(options.seeds)]
    for number, (name, seed) in enumerate(runs, 1):
        began = time.monotonic()
        row = run_scenario(name, options.seed + seed, folder)
        rows.append(row)
        print(
            f"[{number}/{len(runs)}] {name}, seed {options.seed + seed}: "
            f"{'kept' if row['kept'] else 'BROKEN'} ({time.monotonic() - began:.0f} s)",
            flush=True,
        )
    (folder / "soak.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    (folder / "soak.md").write_text(markdown(rows), encoding="utf-8")
    print("\n".join(table(rows)))
    print(f"\nreports: {folder}")
    return 0 if all(row["kept"] for row in rows) else 1


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
    done = subprocess.run(
        [sys.executable, "-P", "-m", "batsort_bringup.demo", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    file = report / "report.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    return {
        "scenario": Path(name).stem,
        "seed": seed,
        "kept": done.returncode == 0,
        "said": [line for line in done.stderr.splitlines() if line.startswith("demo: ")],
        **{key: found.get(key) for key in ("items_in", "outcomes", "errors")},
        "report": found.get("scenario"),
        "identity": bool(found) and not found["faults"],
    }


def texts(row: dict[str, Any]) -> tuple[str, ...]:
    """The columns of one run, for people."""
    report = row["report"] or {"wrong_bin": [], "operator_reads": row["said"]}
    outcomes = ", ".join(f"{n} {k}" for k, n in (row["outcomes"] or {}).items() if n)
    wrong = report["wrong_bin"]
    after = sum(one["after_standing"] for one in wrong)
    metres = report.get("noticed_after_m")
    return (
        row["scenario"],
        str(row["items_in"]),
        outcomes,
        f"{len(wrong)}, after {after}",
        "holds" if row["identity"] else "BROKEN",
        "-" if metres is None else f"{metres:.2f} m, {report['noticed_after_s']:.1f} s",
        " / ".join(report["operator_reads"]) or "-",
    )


def table(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Lines for a terminal, long texts below each other."""
    lines = [COLUMNS]
    for row in rows:
        cells = [textwrap.wrap(text, width) for text, width in zip(texts(row), WIDTHS, strict=True)]
        height = max(map(len, cells))
        lines += [tuple(cell[i] if i < len(cell) else "" for cell in cells) for i in range(height)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def markdown(rows: Iterable[dict[str, Any]]) -> str:
    """The same as a table of a page."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *map(texts, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


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
    options.scenarios = options.scenarios or names
    return options


if __name__ == "__main__":
    sys.exit(main())
