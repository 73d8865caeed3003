"""A camera that gives no picture of items, or pictures that show nothing."""

from batsort_core.trouble import Trouble

_MISSED = 3  # items in a row without an image
_USELESS = 2  # images in a row that show nothing
_CURE = "check the camera, its cable and its light, then start the cell"


class CaptureWatch:
    """Counts what goes wrong in a row; what is found stays until somebody has looked."""

    def __init__(self) -> None:
        self.trouble: Trouble | None = None
        self.acknowledge()

    def acknowledge(self) -> None:
        """Somebody has looked: judge anew from what comes now."""
        self.trouble = None
        self._missed = self._useless = 0

    def imaged(self) -> None:
        """An item has its image."""
        self._missed = self._useless = 0

    def missed(self) -> None:
        """An item has no image."""
        self._missed += 1
        if self._missed >= _MISSED:
            self._found(f"no image of the last {_MISSED} items")

    def useless(self, problem: str, sure: bool) -> None:
        """An item's image was refused: it is `problem`; `sure`: chance can't make it so."""
        self._useless += 1
        if sure or self._useless >= _USELESS:
            self._found(f"the camera's picture is {problem}")

    def _found(self, cause: str) -> None:
        if self.trouble is None:
            self.trouble = Trouble(cause, _CURE, lasting=True)
