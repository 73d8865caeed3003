"""Who hears whom: every node tells who reads its topics, and that is held against who is alive.

A name is not enough: for seconds, middleware lists the readers of a process that was killed beside
those of its successor, or instead of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_PREFIX = 12  # bytes of an endpoint's id that are its participant's (RTPS 2.2, 8.2.4)


UNKNOWN = "unknown"
"""Identity of a node that the middleware does not list yet."""


def identity(endpoints: Iterable[Sequence[int]]) -> str:
    """Name the process that all these endpoints belong to, by their ids.

    Returns:
        `UNKNOWN` where there are none; '' where their ids don't tell a process.
    """
    prefixes = {bytes(endpoint)[:_PREFIX] for endpoint in endpoints}
    if not prefixes:
        return UNKNOWN
    return f"{zlib.crc32(prefixes.pop()):08x}" if len(prefixes) == 1 else ""


@dataclass(frozen=True, slots=True)
class Links:
    """What one node says of its links."""

    identity: str = ""
    listens: frozenset[str] = frozenset()
    """Topics it listens to."""
    heard: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Identities of the processes that listen, by topic it publishes."""

    def tell(self) -> dict[str, str]:
        """As values of a diagnostic status."""
        heard = (" ".join((topic, *sorted(readers))) for topic, readers in self.heard.items())
        return {
            "identity": self.identity,
            "listens to": ", ".join(sorted(self.listens)),
            "heard by": ", ".join(heard),
        }

    @classmethod
    def told(cls, values: Mapping[str, str]) -> Links:
        """The links of a node from the values of its status; of one that tells none, no links."""
        heard = [entry.split() for entry in values.get("heard by", "").split(",")]
        return cls(
            values.get("identity", ""),
            frozenset(values.get("listens to", "").replace(",", " ").split()),
            {entry[0]: frozenset(entry[1:]) for entry in heard if entry},
        )


def broken(links: Mapping[str, Links]) -> tuple[str, str, str] | None:
    """Find a link that is not there: the topic, its publisher and the node that misses it."""
    for publisher, own in links.items():
        for topic, readers in own.heard.items():
            for listener, other in links.items():
                if topic in other.listens and other.identity and other.identity not in readers:
                    return topic, publisher, listener
    return None
