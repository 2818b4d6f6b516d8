"""Prices in pages of others: the template tag and the custom element, in a real browser against the real server."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from tests.web_site import PAIRS, PriceKeys, WebSite

pytestmark = pytest.mark.browser

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "example"
STATIC_PAGE = """<!doctype html><html lang="en"><title>Somebody else's page</title>
<link rel="stylesheet" href="{site}/static/market_data/market-prices.css">
<script type="module" src="{site}/static/market_data/embed.js"></script>
{body}"""


@pytest.fixture
def example(site: WebSite, page: Page) -> Page:
    """The example page of the site, open."""
    page.goto(f"{site.url}/example/")
    return page


@pytest.fixture
def other_host(tmp_path: Path) -> Iterator[str]:
    """The address of another origin, which serves the files of the test's folder."""
    (tmp_path / "favicon.ico").write_bytes(b"")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietFiles, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def foreign_page(site: WebSite, other_host: str, page: Page, tmp_path: Path) -> Callable[[str], Page]:
    """Open a static page of another origin with the given body. The page is closed before its host stops."""

    def open_page(body: str = "", html: str = STATIC_PAGE) -> Page:
        (tmp_path / "index.html").write_text(html.replace("{site}", site.url).replace("{body}", body))
        page.goto(f"{other_host}/index.html")
        return page

    return open_page


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


def price(root: Page | Locator, pair: str) -> Locator:
    return root.locator(f'[data-pair="{pair}"] [data-field="price"]')


def requests_for_prices(page: Page) -> list[str]:
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/prices" in request.url:
            asked.append(request.url)

    page.on("request", note)
    return asked


def test_the_tag_and_the_element_show_live_prices_and_share_one_request_a_round(example: Page, keys: PriceKeys) -> None:
    element = example.locator("market-prices")
    expect(price(element, "ETH/USDT")).to_have_text("2,301.15")
    asked = requests_for_prices(example)
    keys.write(*PAIRS, price="51234.50000000")

    for pair in ("BTC/USDT", "ETH/USDT"):
        expect(price(example.locator("main > .market-prices"), pair)).to_have_text("51,234.50")
    expect(price(element, "ETH/USDT")).to_have_text("51,234.50")
    assert {url.partition("?")[2] for url in asked} == {"pairs=BTC/USDT,ETH/USDT"}


def test_the_tag_has_its_prices_without_javascript(site: WebSite, new_page: Callable[..., Page]) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{site.url}/example/")

    expect(price(page.locator("main > .market-prices"), "BTC/USDT")).to_have_text("43,250.00")


def test_a_page_themes_each_component_through_custom_properties(example: Page) -> None:
    expect(price(example.locator("market-prices"), "ETH/USDT")).to_have_text("2,301.15")
    line = "(root) => getComputedStyle(root).getPropertyValue('--market-data-line')"

    own, warm = (
        example.locator(selector).evaluate(line)
        for selector in ("main > .market-prices", "market-prices .market-prices")
    )
    assert own != warm


def test_several_components_on_a_page_share_no_id(example: Page) -> None:
    expect(price(example.locator("market-prices"), "ETH/USDT")).to_have_text("2,301.15")
    ids = example.locator("[id]").evaluate_all("(elements) => elements.map(({ id }) => id)")

    assert len(ids) == len(set(ids))


def test_changed_pairs_are_followed_and_what_is_removed_is_asked_for_no_more(example: Page) -> None:
    element = example.locator("market-prices")
    expect(price(element, "ETH/USDT")).to_have_text("2,301.15")
    element.evaluate("(element) => element.setAttribute('pairs', 'SHIB/USDT')")
    expect(price(element, "SHIB/USDT")).to_have_text("0.00001234")
    expect(price(element, "ETH/USDT")).to_have_count(0)
    with example.expect_request(re.compile(r"/prices\?pairs=BTC/USDT,ETH/USDT,SHIB/USDT$")):
        pass

    element.evaluate("(element) => element.remove()")
    with example.expect_request(re.compile(r"/prices\?pairs=BTC/USDT,ETH/USDT$")):
        pass


def test_a_static_page_of_another_host_shows_live_prices(foreign_page: Callable[[str], Page], keys: PriceKeys) -> None:
    page = foreign_page('<market-prices pairs="BTC/USDT" poll-interval-ms="500"></market-prices>')
    expect(price(page, "BTC/USDT")).to_have_text("43,250.00")
    keys.write("BTC/USDT", price="51234.50000000")

    expect(price(page, "BTC/USDT")).to_have_text("51,234.50")
    expect(page.locator(".market-prices__status > p").first).to_have_text("Live 1 of 1 prices current.")


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ('pairs="BTCUSDT"', "write base and quote asset with a slash between, like BTC/USDT"),
        ('pairs=""', "name at least one, like pairs=BTC/USDT, or leave it out for all"),
        ('pairs="XYZ/USDT"', "XYZ/USDT is not configured on this server. Add it to TRADING_PAIRS there"),
        ('pairs="BTC/USDT" poll-interval-ms="soon"', "write for example 2000"),
        ('pairs="BTC/USDT" api="http://"', 'write for example api="https://prices.example.org"'),
    ],
)
def test_what_makes_no_sense_is_said_in_the_component_and_on_the_console(
    foreign_page: Callable[[str], Page], console_errors: list[str], attributes: str, message: str
) -> None:
    page = foreign_page(f"<market-prices {attributes}></market-prices>")

    expect(page.locator("market-prices")).to_contain_text(message)
    assert any(text.startswith("<market-prices>: ") and message in text for text in console_errors)
    console_errors.clear()


def test_an_unknown_pair_beside_known_ones_is_named_and_the_known_ones_are_shown(
    foreign_page: Callable[[str], Page],
) -> None:
    page = foreign_page('<market-prices pairs="BTC/USDT,XYZ/USDT"></market-prices>')

    expect(price(page, "BTC/USDT")).to_have_text("43,250.00")
    expect(page.locator("market-prices")).to_contain_text("XYZ/USDT is not configured on this server.")


def test_an_element_whose_server_is_away_says_so_and_fills_when_it_is_back(
    start_site: Callable[..., WebSite], foreign_page: Callable[[str], Page], outage_expected: None
) -> None:
    away = start_site()
    away.stop()
    page = foreign_page(f'<market-prices api="{away.url}" pairs="BTC/USDT"></market-prices>')
    expect(page.locator("market-prices")).to_contain_text("The price server cannot be reached. Trying again.")
    away.start()

    expect(price(page, "BTC/USDT")).to_have_text("43,250.00")


def test_the_static_page_of_the_documents_works(foreign_page: Callable[..., Page], tmp_path: Path) -> None:
    (tmp_path / "page.css").write_text((EXAMPLE / "page.css").read_text())
    page = foreign_page(html=(EXAMPLE / "index.html").read_text().replace("http://127.0.0.1:8000", "{site}"))

    expect(page.locator("[data-pair]")).to_have_count(3)
    expect(price(page.locator(".warm"), "ETH/USDT")).to_have_text("2,301.15")


def test_embedded_components_announce_nothing_by_themselves(foreign_page: Callable[[str], Page]) -> None:
    page = foreign_page(
        '<market-prices pairs="BTC/USDT"></market-prices><market-prices pairs="ETH/USDT"></market-prices>'
    )

    expect(price(page, "BTC/USDT")).to_have_text("43,250.00")
    expect(price(page, "ETH/USDT")).to_have_text("2,301.15")
    expect(page.locator("[aria-live], [role=status], [role=alert], [role=log]")).to_have_count(0)


def test_what_was_rendered_by_the_tag_and_left_the_page_is_asked_for_no_more_until_it_returns(
    site: WebSite, page: Page, keys: PriceKeys
) -> None:
    page.clock.install()
    page.goto(f"{site.url}/example/")
    page.locator("market-prices").evaluate("(element) => element.remove()")
    page.evaluate("() => { window.gone = document.querySelector('main > .market-prices'); gone.remove() }")
    page.clock.run_for(2_000)
    asked = requests_for_prices(page)
    page.clock.run_for(20_000)
    assert asked == []

    keys.write(*PAIRS, price="51234.50000000")
    page.evaluate("() => document.querySelector('main').append(window.gone)")
    page.clock.run_for(2_000)
    expect(price(page.locator("main > .market-prices"), "BTC/USDT")).to_have_text("51,234.50")


def test_components_that_come_and_go_leave_nothing_behind(example: Page) -> None:
    session = example.context.new_cdp_session(example)
    session.send("Performance.enable")
    come_and_go = """async (times) => {
        for (let time = 0; time < times; time++) {
            const element = document.createElement('market-prices')
            element.setAttribute('pairs', 'BTC/USDT,ETH/USDT')
            document.body.append(element)
            while (!element.querySelector('[data-pair]')) await new Promise((done) => setTimeout(done, 10))
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
            element.remove()
        }
    }"""

    def counts() -> tuple[int, int]:
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        metrics = {metric["name"]: int(metric["value"]) for metric in session.send("Performance.getMetrics")["metrics"]}
        return metrics["Nodes"], metrics["JSEventListeners"]

    example.evaluate(come_and_go, 3)
    nodes, listeners = counts()
    example.evaluate(come_and_go, 15)
    later_nodes, later_listeners = counts()

    assert later_nodes < nodes + 200  # one component has more
    assert later_listeners <= listeners + 2
