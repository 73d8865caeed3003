"""What a backend's sensors say, whatever they are: of the hardware's drivers and of the twin.

Stamps are nanoseconds since the Unix epoch, at the physical event; counts are unwrapped.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EncoderSample:
    """The count latched at the stamp."""

    stamp: int
    epoch: int
    count: int


@dataclass(frozen=True, slots=True)
class Edge:
    """The light barrier became blocked or clear."""

    stamp: int
    epoch: int
    count: int
    blocked: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """A confirm eye saw something arrive in a bin."""

    stamp: int
    epoch: int
    bin: str
    count: int
