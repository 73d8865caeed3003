"""docs/nodes.md: parameters, topics and services of every node, as the code has them.

    ./cell exec python -m batsort_bringup.nodes_page --write

A test holds the page against the code.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from batsort_bags.outcomes import TOPICS as COMPARED
from batsort_bags.playback import PLAYED
from batsort_bringup import driver_choices
from batsort_bringup.installed import default_cell
from batsort_graph.configuration import Parameter
from batsort_graph.topics import (
    DIAGNOSTICS,
    READER,
    REPAIR,
    SERVICES,
    TOPICS,
    TWIN,
    VIEW,
    Service,
    Topic,
)
from batsort_micro_ros import board_contract, board_rig
from batsort_nodes import (
    belt,
    bins,
    camera,
    classifier,
    ejector,
    hardware,
    parameters,
    reader,
    recorder,
    replay,
    supervisor,
    viewer,
)
from batsort_panel import panel
from batsort_twin import node as twin

PAGE = Path(__file__).resolve().parents[3] / "docs" / "nodes.md"
"""In the sources; an installed package has no pages."""
HEAD = """\
# Nodes

Parameters, topics and services of every node, written from the code by
`./cell exec python -m batsort_bringup.nodes_page --write`; a test holds this page against it.

Names are relative to the cell's namespace; latched topics (transient local) reach late subscribers,
too. A bad parameter is refused by name, with what is allowed; those marked *any time* can be
changed while the node runs. Left out is what all have: the parameter `use_sim_time`, and the
topic `/diagnostics` (diagnostic_msgs/DiagnosticArray, twice a second; not of `board_contract`).
"""


@dataclass(frozen=True)
class Node:
    """What one node has, for its part of the page."""

    module: ModuleType
    parameters: Sequence[Parameter]
    publishes: Sequence[Topic]
    hears: Sequence[Topic]
    services: Sequence[Service] = ()

    @property
    def name(self) -> str:
        """As in the graph, where nobody renames it; `twin` is in a module `node`."""
        name = self.module.__name__.rpartition(".")[2]
        return "twin" if self.module is twin else name

    @property
    def package(self) -> str:
        """That has its executable."""
        return self.module.__name__.partition(".")[0]

    @property
    def purpose(self) -> str:
        """The first line of its module's docstring, without its name."""
        _, _, purpose = (self.module.__doc__ or "").partition("\n")[0].partition(": ")
        return purpose[:1].upper() + purpose[1:]


def nodes() -> list[Node]:
    """Every node that a user may start."""
    sorting = {
        belt: belt.PARAMETERS,
        camera: camera.PARAMETERS,
        classifier: classifier.PARAMETERS,
        ejector: (*ejector.PARAMETERS, *ejector.recipe_parameters(default_cell().recipe)),
        bins: bins.PARAMETERS,
        supervisor: supervisor.PARAMETERS,
    }
    found = [_sorting(module, told) for module, told in sorting.items()]
    return [*found, *_backends(), *_tools()]


def _sorting(module: ModuleType, told: Sequence[Parameter]) -> Node:
    name = module.__name__.rpartition(".")[2]
    hears = [topic for topic in (TOPICS | READER).values() if name in topic.subscribers]
    return Node(
        module,
        told,
        [topic for topic in TOPICS.values() if topic.publisher == name],
        [*hears, *([DIAGNOSTICS] if name in DIAGNOSTICS.subscribers else [])],
        [service for service in SERVICES.values() if service.node == name],
    )


def _backends() -> list[Node]:
    said = [topic for topic in TOPICS.values() if topic.publisher == "backend"]
    heard = [topic for topic in TOPICS.values() if "backend" in topic.subscribers]
    played = [TOPICS[name] for name in PLAYED if name in TOPICS]
    return [
        Node(twin, twin.PARAMETERS, [*said, *TWIN.values()], heard, [REPAIR]),
        Node(hardware, hardware.PARAMETERS, board_rig.SAID, heard),
        Node(
            replay,
            replay.PARAMETERS,
            [*played, TOPICS["camera/source"], recorder.TRUTH, replay.CLOCK],
            [*heard, *((TOPICS | READER)[name] for name in COMPARED)],
        ),
    ]


def _tools() -> list[Node]:
    return [
        Node(
            reader,
            reader.PARAMETERS,
            list(READER.values()),
            [TOPICS[name] for name in TOPICS if name in reader.HEARD],
        ),
        Node(recorder, recorder.PARAMETERS, (), [*recorder.RECORDED, parameters.EVENTS]),
        Node(
            viewer,
            viewer.PARAMETERS,
            list(VIEW.values()),
            [TOPICS[name] for name in TOPICS if name in viewer.HEARD],
        ),
        Node(
            panel,
            panel.PARAMETERS,
            (),
            [*(TOPICS[name] for name in (*panel.HEARD, panel.BELT, panel.CAMERA)), DIAGNOSTICS],
        ),
        Node(board_contract, board_contract.PARAMETERS, board_rig.HEARD, board_rig.SAID),
    ]


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *map(_part, nodes())])


def _part(node: Node) -> str:
    parts = [f"## {node.name}\n\n{node.purpose}\n"]
    parts.append(f"`ros2 run {node.package} {node.name}`\n")
    parts.append(
        _table(
            ("parameter", "default", "allowed", "set", "meaning"),
            [_parameter_row(told) for told in node.parameters],
        )
    )
    topics = [("publishes", topic) for topic in node.publishes]
    topics += [("hears", topic) for topic in node.hears]
    parts.append(
        _table(
            ("topic", "type", "", "QoS"),
            [(f"`{t.name}`", type_name(t.type), way, t.quality) for way, t in topics],
        )
    )
    if node.services:
        rows = [(f"`{one.name}`", type_name(one.type), one.does) for one in node.services]
        parts.append(_table(("service", "type", "what it does"), rows))
    return "\n".join(parts)


def _parameter_row(told: Parameter) -> tuple[str, ...]:
    default = told.default
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    when = "at start" if told.read_only else "any time"
    return f"`{told.name}`", shown or "none", told.allowed, when, told.description


def type_name(kind: type) -> str:
    """As people write it: package/Type."""
    return f"{kind.__module__.partition('.')[0]}/{kind.__name__}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the page, or write it and what launch files take from the same tables."""
    parser = argparse.ArgumentParser(prog="nodes_page", description="Tables of every node.")
    parser.add_argument("--write", action="store_true", help="into docs/nodes.md, and launch files")
    if parser.parse_args(arguments).write:
        PAGE.write_text(page(), encoding="utf-8")
        driver_choices.LAUNCH_FILE.write_text(driver_choices.offered(), encoding="utf-8")
    else:
        print(page(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
