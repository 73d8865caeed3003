"""The panel's web server: one page, a websocket that shows the cell, commands behind a token.

It knows no ROS: what the cell says comes in through `publish` and `show`, from any thread; what
browsers want goes out through `Cell`.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from importlib import resources
from typing import Any, Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from batsort_core.recipe import RecipeError
from batsort_core.recipe_edit import RecipeEdit
from batsort_files.schema import FieldError, read
from batsort_panel.guard import Command, Guard, RateLimit, Refusal
from batsort_panel.latest import Latest

MOST_BYTES = 4096
"""Of a request's body or a websocket message."""
MOST_BROWSERS = 16
PICTURE_PERIOD_S = 0.2
HELLO_S = 5.0
ALIVE_S = 10.0
"""A browser that does not answer for so long is let go."""
POSTS = (10.0, 20)
"""A second, and at once."""
COMMAND = web.RequestKey("command", str)
KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class ListenError(Exception):
    """Why an address can't be listened on."""


class Cell(Protocol):
    """What the server asks for; called from its own thread."""

    def obey(self, command: Command, peer: str) -> Awaitable[str]:
        """Carry out a command and say what came of it. Raises Refusal, FieldError, RecipeError."""

    def preview(self, edit: RecipeEdit) -> Awaitable[Mapping[str, Any]]:
        """What an edit would have done. Raises FieldError, RecipeError."""

    def refused(self, command: str, peer: str, reason: str) -> None:
        """A command was refused: to be logged."""

    def looked_at(self, browsers: int, pictures: int) -> None:
        """So many browsers look on now, so many of them at the camera's picture."""


class _Browser:
    """One websocket, and what it has not been sent yet: the latest of each section only."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.pending = Latest()
        self.picture: bytes | None = None
        self.wants_pictures = False
        self.wake = asyncio.Event()

    async def write(self) -> None:
        """Send for as long as it reads."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            sections = self.pending.take()
            if sections:
                await self.socket.send_str(_joined(sections))
            picture, self.picture = self.picture, None
            if picture is not None:
                await self.socket.send_bytes(picture)


class Server:
    """Runs in a thread of its own between `start` and `stop`."""

    def __init__(
        self,
        cell: Cell,
        host: str,
        port: int,
        guard_of: Callable[[int], Guard],
    ) -> None:
        """`guard_of` makes the rules for the port it listens on in the end, or a ValueError."""
        self._cell = cell
        self._host, self.port = host, port
        self._guard_of = guard_of
        self._guard: Guard
        self._browsers: set[_Browser] = set()
        self._sections: dict[str, str] = {}
        self._incoming = Latest()
        self._shown: Callable[[], bytes] | None = None
        self._shown_at = -PICTURE_PERIOD_S
        self._encoding = False
        self._posts = RateLimit(*POSTS)
        self._files = {
            file.name: (file.read_bytes(), KINDS[file.name.rpartition(".")[2]])
            for file in resources.files(__package__).joinpath("page").iterdir()
        }
        self._loop: asyncio.AbstractEventLoop
        self._ended: asyncio.Event
        self._thread = threading.Thread(target=self._main, name="panel server", daemon=True)
        self._ready: Future[None] = Future()

    def start(self) -> None:
        """Listen from now on. Raises ListenError where it can't, and what `guard_of` raises."""
        self._thread.start()
        self._ready.result()

    def stop(self) -> None:
        """Let every browser go, and end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join()

    def publish(self, sections: Mapping[str, Any]) -> None:
        """Show these sections to whoever looks on; from any thread."""
        if self._incoming.put(sections) and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hand_out)

    def show(self, make: Callable[[], bytes]) -> None:
        """Show a picture, which is made only where a browser waits for one; from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take_picture, make)

    def _main(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(middlewares=[self._check], client_max_size=MOST_BYTES)
        app.on_response_prepare.append(_add_headers)
        app.router.add_get("/ws", self._watch)
        app.router.add_post("/command", self._command)
        app.router.add_post("/preview", self._preview)
        app.router.add_get("/{name}", self._file)
        app.router.add_get("/", self._file)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await self._open(runner)
            self._guard = self._guard_of(self.port)
        except (ListenError, ValueError) as error:
            self._ready.set_exception(error)
        else:
            self._ready.set_result(None)
            await self._ended.wait()
        for browser in list(self._browsers):
            await browser.socket.close(code=WSCloseCode.GOING_AWAY)
        await runner.cleanup()

    async def _open(self, runner: web.AppRunner) -> None:
        """Raises ListenError."""
        try:
            await web.TCPSite(runner, self._host, self.port).start()
        except OSError as error:
            raise ListenError(error.strerror) from None
        except UnicodeError as error:
            raise ListenError(str(error)) from None
        self.port = runner.addresses[0][1]

    @web.middleware
    async def _check(self, request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            self._guard.check_host(request.headers)
            if request.method == "POST" or request.path == "/ws":
                self._guard.check_origin(request.headers)
            answer: web.StreamResponse = await handler(request)
            return answer
        except Refusal as refusal:
            return self._refuse(request, refusal.status, str(refusal))
        except (FieldError, RecipeError) as error:
            return self._refuse(request, 422, str(error))
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(request, 413, f"body: too long; allowed: {MOST_BYTES} bytes")
        except web.HTTPException as error:
            return self._refuse(request, error.status, f"{request.path}: {error.reason}")

    def _refuse(self, request: web.Request, status: int, line: str) -> web.Response:
        if request.path == "/command":
            self._cell.refused(request.get(COMMAND, "command"), _peer(request), line)
        return web.json_response({"error": line}, status=status)

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name", "index.html")
        if name not in self._files:
            raise web.HTTPNotFound
        body, kind = self._files[name]
        return web.Response(body=body, content_type=kind, charset="utf-8")

    async def _document(self, request: web.Request) -> Any:
        """The body of a POST. Raises Refusal."""
        if request.content_type != "application/json":
            raise Refusal(
                415, f"content-type: {request.content_type!r} is refused; allowed: application/json"
            )
        try:
            return json.loads(await request.read())
        except (ValueError, RecursionError):
            raise Refusal(400, "body: no JSON; allowed: one JSON object") from None

    def _admit(self) -> None:
        if not self._posts.admit(time.monotonic()):
            raise Refusal(429, f"rate: too many requests; allowed: {POSTS[0]:g} a second")

    async def _command(self, request: web.Request) -> web.Response:
        self._admit()
        self._guard.check_token(request.headers)
        command = read(Command, await self._document(request))
        request[COMMAND] = command.command.value
        command.check()
        return web.json_response({"done": await self._cell.obey(command, _peer(request))})

    async def _preview(self, request: web.Request) -> web.Response:
        self._admit()
        if not self._guard.may_read(request.remote or "", ""):
            self._guard.check_token(request.headers)
        edit = read(RecipeEdit, await self._document(request))
        return web.json_response(dict(await self._cell.preview(edit)))

    async def _watch(self, request: web.Request) -> web.WebSocketResponse:
        if len(self._browsers) >= MOST_BROWSERS:
            raise Refusal(503, f"browsers: {MOST_BROWSERS} look on; allowed: no more")
        socket = web.WebSocketResponse(
            heartbeat=ALIVE_S, max_msg_size=MOST_BYTES, compress=False, timeout=1.0
        )
        await socket.prepare(request)
        token = await _hello(socket)
        if token is None or not self._guard.may_read(request.remote or "", token):
            await _reject(socket, "token: missing or wrong; allowed: what the panel printed")
            return socket
        browser = _Browser(socket)
        may_command = json.dumps(self._guard.holds_token(token))
        browser.pending.put({**self._sections, "may_command": may_command})
        browser.wake.set()
        self._browsers.add(browser)
        self._tell_looks()
        writer = asyncio.create_task(browser.write())
        # A connection that breaks under the writer ends the reader, too.
        writer.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            await self._listen(browser)
        finally:
            self._browsers.discard(browser)
            self._tell_looks()
            writer.cancel()
        return socket

    async def _listen(self, browser: _Browser) -> None:
        limit = RateLimit(*POSTS)
        async for message in browser.socket:
            if message.type is not WSMsgType.TEXT:
                continue
            wish = _parsed(message.data)
            if not limit.admit(time.monotonic()) or not isinstance(wish.get("pictures"), bool):
                await _reject(browser.socket, 'message: refused; allowed: {"pictures": true|false}')
                return
            browser.wants_pictures = wish["pictures"]
            self._tell_looks()

    def _tell_looks(self) -> None:
        pictures = sum(browser.wants_pictures for browser in self._browsers)
        self._cell.looked_at(len(self._browsers), pictures)

    def _hand_out(self) -> None:
        changed = {
            name: json.dumps(section, separators=(",", ":"), ensure_ascii=False)
            for name, section in self._incoming.take().items()
        }
        self._sections |= changed
        for browser in self._browsers:
            if browser.pending.put(changed):
                browser.wake.set()

    def _take_picture(self, make: Callable[[], bytes]) -> None:
        """Keep the latest until it is time for it."""
        self._shown = make
        if not self._encoding:
            self._encoding = True
            wait = max(0.0, self._shown_at + PICTURE_PERIOD_S - self._loop.time())
            self._loop.call_later(wait, lambda: self._loop.create_task(self._send_picture()))

    async def _send_picture(self) -> None:
        make, self._shown = self._shown, None
        self._shown_at = self._loop.time()
        try:
            if make is not None and any(browser.wants_pictures for browser in self._browsers):
                picture = await self._loop.run_in_executor(None, make)
                for browser in self._browsers:
                    if browser.wants_pictures:
                        browser.picture = picture
                        browser.wake.set()
        finally:
            self._encoding = False


def _joined(sections: Mapping[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{text}' for name, text in sections.items()) + "}"


def _parsed(text: str) -> dict[str, Any]:
    """A browser's message; nothing where it is no JSON object."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


async def _hello(socket: web.WebSocketResponse) -> str | None:
    """The token that a browser begins with, empty where it has none; None: it does not begin."""
    try:
        message = await socket.receive(timeout=HELLO_S)
    except TimeoutError:
        return None
    if message.type is not WSMsgType.TEXT:
        return None
    token = _parsed(message.data).get("token")
    return token if isinstance(token, str) else None


async def _reject(socket: web.WebSocketResponse, reason: str) -> None:
    await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=reason.encode())


def _peer(request: web.Request) -> str:
    transport = request.transport
    name = transport.get_extra_info("peername") if transport else None
    return f"{name[0]}:{name[1]}" if name else "unknown"


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
