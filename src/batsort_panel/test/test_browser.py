"""The panel in a real browser: it lives, obeys, refuses, and says when it is lost."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib import resources

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from stand_in import Cell, wait

from batsort_supervision.packml import State

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on this machine; sudo apt-get install chromium"
)
DESKTOP = {"width": 1280, "height": 800}
TABLET = {"width": 768, "height": 1024}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield one
        one.close()


@pytest.fixture
def page(browser: Browser, cell: Cell) -> Iterator[Page]:
    cell.supervisor.silent = False
    cell.supervisor.packml.state = State.EXECUTE
    one = browser.new_page(viewport=DESKTOP)
    faults: list[str] = []
    one.on("pageerror", lambda error: faults.append(str(error)))
    one.goto(f"{cell.url}/#token={cell.token}")
    expect(one.locator("#link")).to_have_text("live")
    yield one
    one.close()
    assert not faults


def button(page: Page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def test_the_page_is_live_and_the_token_leaves_the_address(page: Page, cell: Cell) -> None:
    expect(page.locator("#state-word")).to_have_text("execute")
    assert "token" not in page.url
    count = page.locator("#bin-rows .count")
    before = int(count.inner_text())
    expect(count).not_to_have_text(str(before))
    assert int(count.inner_text()) > before


def test_hold_and_start_work_and_only_what_is_legal_can_be_pressed(page: Page, cell: Cell) -> None:
    expect(button(page, "Hold")).to_be_enabled()
    expect(button(page, "Clear")).to_be_disabled()
    button(page, "Hold").click()
    expect(page.locator("#state-word")).to_have_text("held")
    expect(page.locator("#cure")).to_have_text("To do: start the cell")
    expect(button(page, "Hold")).to_be_disabled()
    button(page, "Start").press("Enter")
    expect(page.locator("#state-word")).to_have_text("execute")
    expect(page.locator("#events")).to_contain_text("hold by 127.0.0.1:")


def test_a_wrong_threshold_is_refused_by_name_and_a_right_one_taken(page: Page, cell: Cell) -> None:
    field = page.get_by_label("Threshold")
    field.fill("1.5")
    expect(page.locator("#recipe-error")).to_contain_text("threshold: 1.5 is refused; allowed:")
    button(page, "Apply").click()
    expect(page.locator("#answer")).to_contain_text("threshold: 1.5 is refused; allowed:")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert cell.ejector.get_parameter("threshold").value == 0.8
    field.fill("0.95")
    expect(page.locator("#preview")).to_contain_text(
        re.compile(r"[1-9]\d* more would go to others")
    )
    button(page, "Apply").click()
    expect(page.locator("#answer")).to_contain_text("threshold is 0.95")
    wait(lambda: cell.ejector.get_parameter("threshold").value == 0.95, "the ejector has it")


def test_the_picture_of_the_item_just_judged_is_shown_when_asked_for(page: Page) -> None:
    button(page, "Show picture").click()
    expect(page.locator("#picture")).to_be_visible()
    expect(page.locator("#judged")).to_contain_text("Duracell_Alk, 93.0 % sure")
    button(page, "Show picture").click()
    expect(page.locator("#picture")).to_be_hidden()


def test_a_lost_cell_is_said_and_nothing_can_be_pressed(page: Page, cell: Cell) -> None:
    cell.supervisor.silent = True
    expect(page.locator("#state-word")).to_have_text("Cell lost")
    for one in page.locator("#buttons button").all():
        expect(one).to_be_disabled()
    cell.supervisor.silent = False
    expect(page.locator("#state-word")).to_have_text("execute")


def test_without_the_token_one_may_look_on_only(browser: Browser, cell: Cell) -> None:
    page = browser.new_page()
    page.goto(cell.url)
    expect(page.locator("#link")).to_contain_text("looking on only")
    expect(button(page, "Hold")).to_be_disabled()
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, TABLET], ids=["desktop", "tablet"])
def test_axe_finds_no_serious_fault(browser: Browser, cell: Cell, scheme, size) -> None:
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.goto(f"{cell.url}/#token={cell.token}")
    expect(page.locator("#link")).to_have_text("live")
    for details in page.locator("details").all():
        details.evaluate("one => one.open = true")
    page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text())
    found = page.evaluate("axe.run()")["violations"]
    page.close()
    assert found is not None
    assert not [(f["id"], f["nodes"]) for f in found if f["impact"] in ("serious", "critical")]


def test_a_lost_server_is_said(page: Page, cell: Cell) -> None:
    """The last test here: there is no panel after it."""
    cell.panel.server.stop()
    expect(page.locator("#state-word")).to_have_text("Server lost")
    expect(button(page, "Hold")).to_be_disabled()
