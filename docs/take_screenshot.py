"""Take a picture of the page in each of its states: `make screenshots`, or `python docs/take_screenshot.py`.

The page is the real one, served by the real web server from a real cache, into which this program writes prices as
the fetcher does. The README's picture and one sheet for each colour scheme go to docs/images; `--folder` keeps the
single pictures.
"""

import argparse
import base64
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import redis
from playwright.sync_api import Browser, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from development.chromium import ADVICE, find_chromium
from development.embedded_cache import EmbeddedCache
from tests.web_site import PRICES, PriceKeys, WebSite

IMAGES = Path(__file__).parent / "images"
WIDTHS = (1280, 768, 320)
HEIGHT = 760
SCHEMES = ("light", "dark")
SCALE = 0.4
PAIRS = tuple(PRICES)
POINT_INTERVAL_MS = 15_000
POINTS = 236
GAP = range(96, 124)
SHEET = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 20px; background: {background}; color: {text}; font: 600 15px system-ui, sans-serif }}
h2 {{ font: inherit; margin: 14px 0 6px }} div {{ display: flex; gap: 16px; align-items: start }}
img {{ border-radius: 6px; outline: 1px solid #8886 }}
</style>{body}"""


@dataclass(frozen=True)
class State:
    """One state of the page: what lies in the cache, and what its reader does."""

    title: str
    status: str
    prepare: Callable[[PriceKeys], None]
    query: str = ""
    is_server_gone: bool = False


def live(keys: PriceKeys) -> None:
    keys.write(*PAIRS)
    keys.report(PAIRS)
    for pair in PAIRS:
        keys.write_history(pair, past_hour(pair))


def stale(keys: PriceKeys) -> None:
    live(keys)
    keys.write(*PAIRS, age_ms=47_000)


def partly_missing(keys: PriceKeys) -> None:
    live(keys)
    keys.write("ETH/USDT", age_ms=260_000, is_current=False)
    keys.expire("ETH/USDT")
    keys.client.delete("market_data:SHIB/USDT", "market_data_last:SHIB/USDT", "market_data_history:SHIB/USDT")


def exchange_unreachable(keys: PriceKeys) -> None:
    live(keys)
    keys.write(*PAIRS, age_ms=95_000)
    keys.expire(*PAIRS)
    keys.report(PAIRS, last_error="no host of the exchange answers")


def simulated(keys: PriceKeys) -> None:
    live(keys)
    keys.set_source("simulator")


STATES: Mapping[str, State] = {
    "live": State("Live", "polling", live),
    "table": State("Live, as a table", "polling", live, query="?view=table&sort=-change"),
    "stale": State("Stale", "stale", stale),
    "partly-missing": State("Partly missing", "stale", partly_missing),
    "unavailable": State("The exchange cannot be reached", "unavailable", exchange_unreachable),
    "server-unreachable": State("The web server cannot be reached", "error", live, is_server_gone=True),
    "cold-start": State("Before the first prices", "unavailable", lambda keys: None),
    "simulated": State("Simulated prices", "polling", simulated),
}


def past_hour(pair: str) -> list[tuple[int, str]]:
    """Return a made-up hour that ends at the pair's price, with a gap of seven minutes in it."""
    chance, price = random.Random(pair), float(PRICES[pair][0])
    digits = Decimal(PRICES[pair][0])
    points = []
    for number in range(POINTS):
        if number not in GAP:
            points.append((number * POINT_INTERVAL_MS, str(Decimal(price).quantize(digits))))
        price *= 1 + chance.gauss(0, 0.001)
    return points[::-1]


def main() -> int:
    arguments = parse_arguments()
    program = find_chromium()
    if program is None:
        sys.exit(ADVICE)
    with EmbeddedCache() as cache, redis.Redis.from_url(cache.url) as client, sync_playwright() as playwright:
        site = WebSite(cache.url, {"TRADING_PAIRS": ",".join(PAIRS)}).start()
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            for scheme in arguments.schemes:
                pictures = dict(take_pictures(browser, site, PriceKeys(client), scheme, arguments.states))
                keep(pictures, arguments.folder, scheme)
                if (cover := pictures.get(("live", WIDTHS[0]))) and scheme == "dark":
                    (IMAGES / "dashboard.png").write_bytes(cover)
                target = IMAGES / f"states-{scheme}.png"
                target.write_bytes(draw_sheet(browser, pictures, scheme))
                print(f"{target}: {target.stat().st_size} bytes")  # noqa: T201
        finally:
            browser.close()
            site.stop()
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the single pictures are kept, in full size")
    parser.add_argument("--states", nargs="+", choices=STATES, default=list(STATES))
    parser.add_argument("--schemes", nargs="+", choices=SCHEMES, default=list(SCHEMES))
    return parser.parse_args()


def take_pictures(
    browser: Browser, site: WebSite, keys: PriceKeys, scheme: str, names: list[str]
) -> Iterator[tuple[tuple[str, int], bytes]]:
    """Yield each state's picture at each width, in PNG."""
    for name in names:
        for width in WIDTHS:
            keys.client.flushall()
            STATES[name].prepare(keys)
            yield (name, width), take_picture(browser, site.url, STATES[name], width, scheme)


def take_picture(browser: Browser, address: str, state: State, width: int, scheme: str) -> bytes:
    page = browser.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, reduced_motion="reduce")
    page.goto(f"{address}/{state.query}")
    if state.is_server_gone:
        wait_for_lines(page)
        page.route("**/api/**", lambda route: route.abort())
    component = page.locator("[data-market-prices]")
    expect(component).to_have_attribute("data-status", state.status, timeout=30_000)
    if state.status != "unavailable":
        wait_for_lines(page)
    picture = page.screenshot()
    page.close()
    return picture


def wait_for_lines(page: Page) -> None:
    """Wait until the history has been drawn; what the endpoint tells has more points than a poll brings."""
    expect(page.locator("[data-field=line]").first).to_have_attribute("d", re.compile(".{100}"), timeout=30_000)


def keep(pictures: Mapping[tuple[str, int], bytes], folder: Path | None, scheme: str) -> None:
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for (name, width), picture in pictures.items():
        (folder / f"{name}-{width}-{scheme}.png").write_bytes(picture)


def draw_sheet(browser: Browser, pictures: Mapping[tuple[str, int], bytes], scheme: str) -> bytes:
    """Return one picture with a row for each state and a column for each width."""
    body = ""
    names = list(dict.fromkeys(name for name, _ in pictures))
    for name in names:
        images = "".join(
            f'<img width="{width * SCALE:.0f}" src="data:image/png;base64,'
            f'{base64.b64encode(pictures[name, width]).decode()}">'
            for width in WIDTHS
        )
        body += f"<h2>{STATES[name].title}</h2><div>{images}</div>"
    colours = {"light": ("#ffffff", "#141a24"), "dark": ("#000000", "#e7ecf3")}[scheme]
    page = browser.new_page(viewport={"width": int(sum(WIDTHS) * SCALE) + 72, "height": 400})
    page.set_content(SHEET.format(background=colours[0], text=colours[1], body=body), wait_until="load")
    picture = page.screenshot(full_page=True)
    page.close()
    return picture


if __name__ == "__main__":
    sys.exit(main())
