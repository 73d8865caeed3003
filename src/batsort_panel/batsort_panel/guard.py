"""Who may ask for what: the token, where a page comes from, how often, and in which form."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from batsort_core.recipe_edit import RecipeEdit
from batsort_files.schema import refuse

HTTP_PORT = 80
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Refusal(Exception):
    """A request that is not served: its HTTP status, and one line for people."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


class Kind(StrEnum):
    """What can be asked of the cell through the panel."""

    START = "start"
    STOP = "stop"
    HOLD = "hold"
    RESET = "reset"
    CLEAR = "clear"
    RECIPE = "recipe"
    NEW_BAG = "new_bag"


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `recipe` has an edit, `new_bag` a bin, the others nothing."""

    command: Kind
    recipe: RecipeEdit | None = None
    bin: str | None = None

    def check(self) -> None:
        """Raises FieldError where a part is missing."""
        if self.command is Kind.RECIPE and self.recipe is None:
            refuse("recipe", None, "what shall be different: threshold, novelty_limit, types")
        if self.command is Kind.NEW_BAG and self.bin is None:
            refuse("bin", None, "the name of a bin")


class Guard:
    """The rules of one server."""

    def __init__(self, token: str, host: str, port: int, also: tuple[str, ...] = ()) -> None:
        """`host` and `port` are what it listens on, `also` other name:port it is called by."""
        self._token = token.encode()
        # Browsers leave out the usual port.
        ports = (f":{port}", "") if port == HTTP_PORT else (f":{port}",)
        names = (*LOOPBACK_NAMES, _bracketed(host))
        self._hosts = {*(f"{name}{port}" for name in names for port in ports), *also}

    def check_host(self, headers: Mapping[str, str]) -> None:
        """A page of another site must not reach the panel under a name of its own (rebinding)."""
        host = headers.get("Host", "")
        if host not in self._hosts:
            raise Refusal(
                421, f"host: {host!r} is refused; allowed: {', '.join(sorted(self._hosts))}"
            )

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Only the panel's own page may open a websocket or post."""
        origin, own = headers.get("Origin", ""), f"http://{headers.get('Host', '')}"
        if origin != own:
            raise Refusal(403, f"origin: {origin!r} is refused; allowed: {own}")

    def holds_token(self, given: str) -> bool:
        """Compared in a time that does not depend on what is given."""
        return hmac.compare_digest(given.encode(errors="surrogatepass"), self._token)

    def check_token(self, headers: Mapping[str, str]) -> None:
        """Of a command, in its Authorization header."""
        kind, _, given = headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or not self.holds_token(given):
            raise Refusal(
                401, "token: missing or wrong; allowed: the one that the panel printed at its start"
            )

    def may_read(self, peer: str, token: str) -> bool:
        """Whether a browser may look on: on this machine anybody, from elsewhere with the token."""
        return is_loopback(peer) or self.holds_token(token)


def is_loopback(address: str) -> bool:
    """Whether an address or name is this machine's own."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def url(host: str, port: int) -> str:
    """Where a browser of this machine finds what listens on an address or name."""
    everywhere = host in ("0.0.0.0", "::")
    return f"http://{'127.0.0.1' if everywhere else _bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class RateLimit:
    """So many at once, and so many a second in the long run."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._left = self._burst
        self._at: float | None = None

    def admit(self, now: float) -> bool:
        """Whether one more may pass at `now` [s, steady]."""
        if self._at is not None:
            self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
