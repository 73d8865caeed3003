"""Lines of ASCII over a serial port of this machine, such as an adapter that may be unplugged."""

from __future__ import annotations

import fcntl
import os
import select
import termios
import tty

BAUDS = (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
_LONGEST = 256
"""Of a line that has not ended, so many bytes at most are kept."""


class LineCut(OSError):
    """The port is of no use any more: it has to be opened anew."""


class SerialLine:
    """An open port: 8 bits, no parity, no flow control, for this program alone.

    Raises OSError where there is none.
    """

    def __init__(self, port: str, baud: int) -> None:
        self._port = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._rest = b""
        try:
            fcntl.ioctl(self._port, termios.TIOCEXCL)
            tty.setraw(self._port)
            attributes = termios.tcgetattr(self._port)
            attributes[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
            attributes[4] = attributes[5] = getattr(termios, f"B{baud}")
            termios.tcsetattr(self._port, termios.TCSANOW, attributes)
            termios.tcflush(self._port, termios.TCIOFLUSH)
        except (OSError, termios.error) as error:
            self.close()
            raise LineCut(f"{port}: {error.args[-1]}") from None

    def read(self, within_s: float) -> list[str]:
        """The lines that have ended, once there is anything, or none after so long.

        Raises LineCut.
        """
        if not select.select([self._port], [], [], within_s)[0]:
            return []
        try:
            new = os.read(self._port, 4096)
        except OSError as error:
            raise LineCut(error.strerror) from None
        if not new:
            raise LineCut("the port was hung up")
        *lines, rest = (self._rest + new).split(b"\n")
        self._rest = rest[-_LONGEST:]
        return [line.rstrip(b"\r").decode("ascii", "replace") for line in lines]

    def say(self, line: str) -> None:
        """Send a line at once. Raises LineCut where the port does not take it."""
        data = line.encode("ascii") + b"\n"
        try:
            taken = os.write(self._port, data)
        except OSError as error:
            raise LineCut(error.strerror) from None
        if taken < len(data):
            raise LineCut("the port is jammed")

    def close(self) -> None:
        """Once."""
        os.close(self._port)
