"""Pictures of a running panel: light and dark, on a desktop and on a tablet.

./cell launch cell.launch.xml operator:=web
./cell exec python -m batsort_panel.screenshots 'http://127.0.0.1:8088/#token=...' FOLDER
"""

from __future__ import annotations

import argparse
import itertools
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

SIZES = {"desktop": (1280, 800), "tablet": (768, 1024)}
FLAGS = ["--no-sandbox", "--disable-gpu"]


def main() -> None:
    """Write panel_<scheme>_<size>.png for each."""
    parser = argparse.ArgumentParser(prog="batsort_panel.screenshots")
    parser.add_argument("url", help="as the panel printed it, with its token")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for scheme, (name, (width, height)) in itertools.product(("light", "dark"), SIZES.items()):
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page.goto(options.url)
            page.get_by_role("button", name="Show picture").click()
            page.wait_for_selector("#picture:not([hidden])")
            page.wait_for_selector("#bin-rows tr")
            page.screenshot(path=options.folder / f"panel_{scheme}_{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
