"""Whether nodes that began at different times still mean the same moment by the same stamp."""

_NOTICED_S = 0.05  # readings of two clocks one after the other differ by less


def clock_warning(stepped_s: float) -> str:
    """What to say where the system's clock was set by so much since a node began; empty if not.

    The node's own stamps go on as they were, and so do those of its fellows that began before; one
    that begins now would be apart from them.
    """
    if abs(stepped_s) < _NOTICED_S:
        return ""
    return (
        f"the system's clock was set by {stepped_s:+.1f} s since this node began: "
        "start all nodes of the cell again together, never one alone"
    )
