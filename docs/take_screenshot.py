"""Take the README's picture of a running site: `python docs/take_screenshot.py http://127.0.0.1:8000/`."""

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Error, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from development.chromium import ADVICE, find_chromium

TARGET = Path(__file__).parent / "images" / "dashboard.png"
MAX_BYTES = 300_000


def main() -> int:
    """Write the picture once every card is painted; return 0, or 1 with a sentence on what is wrong."""
    arguments = parse_arguments()
    try:
        take_screenshot(arguments)
    except (Error, AssertionError) as error:
        print(f"No picture was taken: {str(error).splitlines()[0]}", file=sys.stderr)  # noqa: T201
        return 1
    size = arguments.output.stat().st_size
    print(f"{arguments.output}: {size} bytes")  # noqa: T201
    if size > MAX_BYTES:
        print(f"The picture is larger than {MAX_BYTES} bytes; take a smaller part.", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="of the running page")
    parser.add_argument("--output", type=Path, default=TARGET)
    parser.add_argument("--width", type=int, default=1280, help="of the window, in pixels")
    parser.add_argument("--height", type=int, default=560, help="of the window, in pixels")
    parser.add_argument("--scheme", choices=("light", "dark"), default="dark")
    parser.add_argument("--state", default="polling", help="data-status to wait for; polling is Live")
    return parser.parse_args()


def take_screenshot(arguments: argparse.Namespace) -> None:
    """Open the page, wait until it is in the wanted state, and write what the window shows."""
    program = find_chromium()
    if program is None:
        sys.exit(ADVICE)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page(
            viewport={"width": arguments.width, "height": arguments.height},
            color_scheme=arguments.scheme,
            reduced_motion="reduce",
        )
        page.goto(arguments.address)
        component = page.locator("[data-market-prices]")
        expect(component).to_have_attribute("data-status", arguments.state, timeout=60_000)
        page.screenshot(path=arguments.output)
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
