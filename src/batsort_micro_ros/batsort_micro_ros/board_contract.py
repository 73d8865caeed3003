"""Program `board_contract`: holds a live board against the contract of docs/hardware_micro_ros.md.

    ros2 run batsort_micro_ros board_contract --ros-args -p cell_file:=CELL -p board:=NAME

It stands in for the cell, so no cell may run in its namespace. One line per clause; exit status 0
only where all of them hold, 2 where something was refused.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from batsort_description.cell_file import load_cell
from batsort_files.documents import REFUSED, ConfigurationError
from batsort_graph.configuration import CELL_FILE, Parameter, declare
from batsort_micro_ros.board_clause import Clause, Finding
from batsort_micro_ros.board_firing import FIRING
from batsort_micro_ros.board_judging import APPEARS_S
from batsort_micro_ros.board_rig import Rig, Unmet
from batsort_micro_ros.board_sensing import SENSING
from batsort_micro_ros.board_stopping import STOPPING

PARAMETERS = (
    CELL_FILE,
    Parameter("board", "board", "Name of the board's node."),
    Parameter("clauses", "", "Names of those to hold it against, with commas; empty: all."),
    Parameter("patience_s", 60.0, "For what a person is asked to do [s].", 1.0, 3600.0),
)
CLAUSES = (*SENSING, *FIRING, *STOPPING)
"""In the order in which they are tried; numbered from 1."""


def chosen(names: str) -> Sequence[Clause]:
    """The clauses of a list with commas, all of an empty one. Raises ConfigurationError."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {clause.name: clause for clause in CLAUSES}
    for name in wanted:
        if name not in known:
            raise ConfigurationError(f"clauses: {name!r} is refused; allowed: {', '.join(known)}")
    return [known[name] for name in wanted] or CLAUSES


def hold(rig: Rig, clauses: Iterable[Clause], tell: Callable[[Finding], None]) -> list[Finding]:
    """Hold a board against the clauses, one by one. Raises Unmet where there is no board."""
    rig.enable(belt=False, valves=False)
    rig.need(lambda: rig.tracker.latest, "a count on belt/encoder", APPEARS_S)
    findings = []
    for one in clauses:
        try:
            finding = Finding(one, one.check(rig), True)
        except Unmet as unmet:
            finding = Finding(one, str(unmet), False)
        findings.append(finding)
        tell(finding)
    return findings


def _print(finding: Finding) -> None:
    one = finding.clause
    verdict = "pass" if finding.good else "FAIL"
    print(f"{CLAUSES.index(one) + 1:>2} {one.name:<11}{verdict}  {finding.measured}", flush=True)
    if not finding.good:
        print(f"   promised: {one.promise}", flush=True)


def main() -> None:
    sys.exit(_main())


def _main() -> int:
    rclpy.init()
    node = rclpy.create_node("board_contract")
    executor = SingleThreadedExecutor()
    rig = None
    try:
        declare(node, PARAMETERS)
        value = {
            parameter.name: node.get_parameter(parameter.name).value for parameter in PARAMETERS
        }
        clauses = chosen(value["clauses"])
        rig = Rig(load_cell(value["cell_file"]), value["board"], executor, value["patience_s"])
        findings = hold(rig, clauses, _print)
        broken = [finding.clause.name for finding in findings if not finding.good]
        print(f"{len(findings) - len(broken)} of {len(findings)} clauses hold", flush=True)
        return 1 if broken else 0
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return REFUSED
    except Unmet as unmet:
        print(unmet, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        return 1
    finally:
        if rig is not None:
            rig.close()
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
