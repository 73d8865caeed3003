"""The panel of a launched cell: `operator:=web` shows it and holds it."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from launched_cell import wait


def test_the_panel_of_a_launched_cell_shows_it_live_and_holds_it(launch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    cell = launch("panelled", operator="web", panel_port=0, panel_token_file=file)
    cell.wait_state("execute")
    wait(lambda: "#token=" in cell.log.read_text(), "the panel prints where it is")
    text = cell.log.read_text()
    url = text.partition("panel: ")[2].partition("/#token=")[0]
    token = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert text.count(token) == 1

    async def hold() -> dict[str, Any]:
        view: dict[str, Any] = {}
        async with ClientSession(headers={"Origin": url}) as session:
            socket = await session.ws_connect(f"{url}/ws")
            await socket.send_json({"token": token})
            while not (view.get("belt") or {}).get("moving") or not view.get("items"):
                view |= await socket.receive_json()
            headers = {"Authorization": f"Bearer {token}"}
            body = {"command": "hold"}
            async with session.post(f"{url}/command", json=body, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
            while view["cell"]["state"] != "held":
                view |= await socket.receive_json()
        return view

    view = asyncio.run(asyncio.wait_for(hold(), 60.0))
    cell.wait_state("held")
    assert view["cell"]["reason"] == "held by the operator"
    assert view["cell"]["buttons"] == ["start", "stop"]
