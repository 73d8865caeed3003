"""A TCP link that fails on demand: a proxy with real sockets, for tests of links."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time


class BadLink:
    """Stands between a client and a server on this machine; fine at first."""

    def __init__(self, port: int, seed: int = 0) -> None:
        self.garbage = 0.0
        """Share of the pieces of data that are spoiled on their way, in both directions."""
        self.delay_s = 0.0
        """Every piece is late by up to this."""
        self._upstream = port
        self._random = random.Random(seed)
        self._up = threading.Event()
        self._up.set()
        self._open = True
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break what is connected, in the middle of whatever it is at; take nothing new."""
        self._up.clear()
        self._drop()

    def mend(self) -> None:
        """Take connections again."""
        self._up.set()

    def close(self) -> None:
        self._open = False
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._drop()

    def _drop(self) -> None:
        with self._lock:
            for one in self._sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self._sockets.clear()

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self._up.is_set():
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._upstream), timeout=1.0)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self._lock:
                self._sockets |= {client, server}
            for here, there in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(here, there), daemon=True).start()

    def _pump(self, here: socket.socket, there: socket.socket) -> None:
        try:
            while data := here.recv(4096):
                if self.delay_s:
                    time.sleep(self._random.uniform(0.0, self.delay_s))
                if self._random.random() < self.garbage:
                    data = self._spoil(data)
                there.sendall(data)
        except OSError:
            pass
        finally:
            with self._lock:
                for one in (here, there):
                    self._sockets.discard(one)
                    with contextlib.suppress(OSError):
                        one.shutdown(socket.SHUT_RDWR)

    def _spoil(self, data: bytes) -> bytes:
        """Another byte, fewer of them, or some that nobody sent."""
        at = self._random.randrange(len(data))
        how = self._random.randrange(6)
        if how == 0:
            return data[:at]
        if how == 1:
            return data[:at] + self._random.randbytes(self._random.randint(1, 40)) + data[at:]
        return data[:at] + bytes([data[at] ^ self._random.randint(1, 255)]) + data[at + 1 :]
