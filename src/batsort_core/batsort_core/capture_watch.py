"""A camera that gives no picture of items, or pictures that show nothing."""

from batsort_core.trouble import Trouble

_MISSED = 3  # items in a row without an image
_USELESS = 2  # images in a row that show nothing
_CURE = "check the camera, its cable and its light, then start the cell"
_GONE_CURE = "check the camera's cable and power: it comes back by itself"


class CaptureWatch:
    """Counts what goes wrong in a row; what is found stays until somebody has looked.

    A device that is gone is no trouble any more as soon as it is back: pictures tell the rest.
    """

    def __init__(self) -> None:
        self._gone: Trouble | None = None
        self.acknowledge()

    @property
    def trouble(self) -> Trouble | None:
        """What keeps items from having their images."""
        return self._gone or self._found

    def acknowledge(self) -> None:
        """Somebody has looked: judge anew from what comes now."""
        self._found: Trouble | None = None
        self._missed = self._useless = 0

    def device(self, gone: str) -> None:
        """Why the device gives no frames; empty while it does."""
        self._gone = Trouble(gone, _GONE_CURE) if gone else None

    def imaged(self) -> None:
        """An item has its image."""
        self._missed = self._useless = 0

    def missed(self) -> None:
        """An item has no image; while the device is gone that says nothing new."""
        if self._gone is not None:
            return
        self._missed += 1
        if self._missed >= _MISSED:
            self._find(f"no image of the last {_MISSED} items")

    def useless(self, problem: str, sure: bool) -> None:
        """An item's image was refused: it is `problem`; `sure`: chance can't make it so."""
        self._useless += 1
        if sure or self._useless >= _USELESS:
            self._find(f"the camera's picture is {problem}")

    def _find(self, cause: str) -> None:
        if self._found is None:
            self._found = Trouble(cause, _CURE, lasting=True)
