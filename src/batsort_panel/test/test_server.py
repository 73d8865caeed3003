"""The server in process, without ROS: who may do what, and that no browser slows another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType

from batsort_core.recipe_edit import RecipeEdit
from batsort_panel.guard import Command, Guard
from batsort_panel.server import MOST_BYTES, ListenError, Server

TOKEN = "t" * 43


class Cell:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.obeyed: list[Command] = []
        self.refusals: list[str] = []
        self.browsers = self.pictures = 0

    async def obey(self, command: Command, peer: str) -> str:
        self.obeyed.append(command)
        return "done"

    async def preview(self, edit: RecipeEdit) -> Mapping[str, Any]:
        return {"verdicts": 0}

    def refused(self, command: str, peer: str, reason: str) -> None:
        self.refusals.append(reason)

    def looked_at(self, browsers: int, pictures: int) -> None:
        self.browsers, self.pictures = browsers, pictures


@pytest.fixture
def cell() -> Cell:
    return Cell()


@pytest.fixture
def server(cell: Cell) -> Iterator[Server]:
    one = Server(cell, "127.0.0.1", 0, lambda port: Guard(TOKEN, "127.0.0.1", port))
    one.start()
    yield one
    one.stop()


def talk(server: Server, what: Callable[[ClientSession, str], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with ClientSession() as session:
            return await asyncio.wait_for(what(session, f"http://127.0.0.1:{server.port}"), 20.0)

    return asyncio.run(run())


def post(
    server: Server, body: bytes | str, path: str = "/command", **headers: str
) -> tuple[int, Any]:
    async def what(session: ClientSession, url: str) -> tuple[int, Any]:
        given = {
            "Origin": url,
            "Content-Type": "application/json",
            "Authorization": f"Bearer {TOKEN}",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        async with session.post(url + path, data=body, headers=given) as answer:
            return answer.status, await answer.json()

    return talk(server, what)


HOLD = json.dumps({"command": "hold"})


def test_a_command_with_token_and_origin_is_obeyed(server: Server, cell: Cell) -> None:
    assert post(server, HOLD) == (200, {"done": "done"})
    assert [command.command for command in cell.obeyed] == ["hold"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "named"),
    [
        (HOLD, {"Authorization": "Bearer wrong"}, 401, "token: "),
        (HOLD, {"Authorization": ""}, 401, "token: "),
        (HOLD, {"Origin": "http://elsewhere.example"}, 403, "origin: "),
        (HOLD, {"Origin": "null"}, 403, "origin: "),
        (HOLD, {"Host": "elsewhere.example"}, 421, "host: "),
        (HOLD, {"Content_Type": "text/plain"}, 415, "content-type: "),
        (" " * (MOST_BYTES + 1), {}, 413, "body: "),
        ("{", {}, 400, "body: "),
        ("[" * 4000, {}, 400, "body: "),
        ("[]", {}, 422, "document: "),
        ('{"command": "fly"}', {}, 422, "command: 'fly' is refused; allowed: one of start"),
        ('{"command": "hold", "more": 1}', {}, 422, "more: unknown field"),
        ('{"command": "recipe"}', {}, 422, "recipe: nothing is refused"),
        ('{"command": "recipe", "recipe": {"threshold": 2}}', {}, 422, "recipe.threshold: 2 is"),
        ('{"command": "new_bag"}', {}, 422, "bin: nothing is refused"),
    ],
)
def test_what_is_wrong_is_refused_by_name_and_logged(
    server: Server, cell: Cell, body: str, headers: dict[str, str], status: int, named: str
) -> None:
    got, answer = post(server, body, **headers)
    assert got == status
    assert answer["error"].startswith(named)
    assert cell.refusals == [answer["error"]]
    assert not cell.obeyed


def test_too_many_requests_are_refused(server: Server) -> None:
    async def what(session: ClientSession, url: str) -> list[int]:
        headers = {"Origin": url, "Authorization": "Bearer wrong"}
        found = []
        for _ in range(40):
            async with session.post(f"{url}/command", headers=headers) as answer:
                found.append(answer.status)
        return found

    assert {401, 429} == set(talk(server, what))


def test_the_page_has_no_script_of_its_own_and_may_load_none_from_elsewhere(
    server: Server,
) -> None:
    async def what(session: ClientSession, url: str) -> tuple[str, str]:
        async with session.get(url) as answer:
            return answer.headers["Content-Security-Policy"], await answer.text()

    policy, text = talk(server, what)
    assert "default-src 'none'; script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "style=" not in text
    assert text.count("<script") == 1


@pytest.mark.parametrize("headers", [{"Origin": "http://elsewhere.example"}, {}])
def test_a_websocket_of_another_site_is_refused(server: Server, headers: dict[str, str]) -> None:
    async def what(session: ClientSession, url: str) -> int:
        async with session.get(f"{url}/ws", headers=headers) as answer:
            return answer.status

    assert talk(server, what) == 403


async def watch(session: ClientSession, url: str, token: str = "") -> Any:
    socket = await session.ws_connect(f"{url}/ws", headers={"Origin": url}, max_msg_size=0)
    await socket.send_json({"token": token})
    return socket


@pytest.mark.parametrize(("token", "may"), [("", False), ("wrong", False), (TOKEN, True)])
def test_a_browser_is_told_at_once_what_is_known_and_whether_it_may_command(
    server: Server, token: str, may: bool
) -> None:
    server.publish({"cell": {"state": "execute"}})

    async def what(session: ClientSession, url: str) -> Any:
        socket = await watch(session, url, token)
        return await socket.receive_json()

    assert talk(server, what) == {"cell": {"state": "execute"}, "may_command": may}


@pytest.mark.parametrize("text", ["x" * (MOST_BYTES + 1), "nonsense", '{"pictures": 3}'])
def test_a_browser_that_says_what_it_may_not_is_let_go(server: Server, text: str) -> None:
    async def what(session: ClientSession, url: str) -> Any:
        socket = await watch(session, url)
        await socket.receive()
        await socket.send_str(text)
        return (await socket.receive()).type

    assert talk(server, what) in (WSMsgType.CLOSE, WSMsgType.CLOSED)


def test_a_browser_that_stops_reading_slows_nobody_and_gets_only_the_latest(
    server: Server,
) -> None:
    rounds, long = 60, "x" * 400_000

    async def what(session: ClientSession, url: str) -> tuple[int, list[int]]:
        slow, quick = await watch(session, url), await watch(session, url)
        await slow.receive()
        await quick.receive()
        for number in range(rounds):
            server.publish({"number": number, "long": long})
            while (await quick.receive_json())["number"] != number:
                pass
        seen = []
        while not seen or seen[-1] != rounds - 1:
            seen.append((await slow.receive_json())["number"])
        return number, seen

    last, seen = talk(server, what)
    assert last == rounds - 1
    assert len(seen) < rounds


def test_a_picture_is_made_only_where_a_browser_looks_at_it(server: Server, cell: Cell) -> None:
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        return b"picture"

    async def what(session: ClientSession, url: str) -> bytes:
        socket = await watch(session, url)
        await socket.receive()
        server.show(make)
        server.publish({"number": 1})
        await socket.receive()
        assert not made
        await socket.send_json({"pictures": True})
        while not cell.pictures:
            await asyncio.sleep(0.01)
        while True:
            server.show(make)
            try:
                return (await socket.receive(timeout=0.5)).data
            except TimeoutError:
                continue

    assert talk(server, what) == b"picture"


@pytest.mark.parametrize("host", ["x" * 100, "192.0.2.1"])
def test_an_address_that_can_t_be_listened_on_is_said_at_once(cell: Cell, host: str) -> None:
    server = Server(cell, host, 0, lambda port: Guard(TOKEN, host, port))
    with pytest.raises(ListenError):
        server.start()


def test_a_guard_that_can_t_be_made_is_said_as_such(cell: Cell) -> None:
    def fail(_: int) -> Guard:
        raise ValueError("token_file: refused")

    with pytest.raises(ValueError, match="token_file: refused"):
        Server(cell, "127.0.0.1", 0, fail).start()
