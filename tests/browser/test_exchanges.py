"""Whose prices the page shows: the exchange's name, its change, the worth of an alias, and what is to be doubted."""

import re
from collections.abc import Callable

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from market_data.ticker_cache.status import ExchangeReport, ExchangeStatus
from tests.web_site import PAIRS, PriceKeys, WebSite, fetcher_status, report_of_three_exchanges

pytestmark = pytest.mark.browser

MINUTE_MS = 60_000
STEP_MS = 16_000


def field(page: Page, name: str, pair: str = "BTC/USDT") -> Locator:
    return page.locator(f"[data-pair='{pair}'] [data-field={name}]")


def run_until(page: Page, is_so: Callable[[], bool]) -> None:
    """Let the page's clock run, second by second, until something is so: what it asks for takes real time."""
    for _ in range(30):
        if is_so():
            return
        with page.expect_response(lambda response: True):
            page.clock.run_for(2_000)
    raise AssertionError("it never was so")


@pytest.fixture
def of_kraken(shared_site: WebSite, keys: PriceKeys) -> WebSite:
    """The site with prices of Kraken, one of them in an alias."""
    keys.write(*PAIRS, exchange="kraken")
    keys.write_report(report_of_three_exchanges())
    return shared_site


def test_every_card_and_row_names_its_exchange_with_and_without_javascript(
    of_kraken: WebSite, new_page: Callable[..., Page]
) -> None:
    for options in ({}, {"java_script_enabled": False}):
        page = new_page(**options)
        for view in ("cards", "table"):
            page.goto(f"{of_kraken.url}/?view={view}")
            for pair in PAIRS:
                expect(field(page, "exchange", pair)).to_have_text("Kraken")
                expect(field(page, "exchange", pair)).to_be_visible()


@pytest.mark.parametrize("width", [320, 600, 900, 1280])
@pytest.mark.parametrize("view", ["cards", "table"])
def test_the_exchange_s_name_is_in_sight_at_every_width(
    of_kraken: WebSite, new_page: Callable[..., Page], view: str, width: int
) -> None:
    page = new_page(viewport={"width": width, "height": 900})
    page.goto(f"{of_kraken.url}/?view={view}")
    name, card = field(page, "exchange").bounding_box(), page.locator("[data-pair='BTC/USDT']").bounding_box()

    assert name
    assert card
    assert name["width"] > 20
    assert card["x"] <= name["x"]
    assert name["x"] + name["width"] <= card["x"] + card["width"]
    assert card["y"] <= name["y"]
    assert name["y"] + name["height"] <= card["y"] + card["height"]


def test_a_change_of_exchange_is_told_in_words_for_a_minute(of_kraken: WebSite, keys: PriceKeys, page: Page) -> None:
    page.clock.install()
    page.goto(of_kraken.url)
    expect(field(page, "exchange")).to_have_text("Kraken")
    keys.write(*PAIRS, exchange="bitstamp", price="43251.50000000")
    page.clock.run_for(5_000)

    expect(field(page, "exchange")).to_have_text("now from Bitstamp")
    page.clock.run_for(MINUTE_MS + 2_000)
    expect(field(page, "exchange")).to_have_text("Bitstamp")


def test_an_alias_is_shown_with_what_it_is_worth(of_kraken: WebSite, page: Page) -> None:
    page.goto(of_kraken.url)

    expect(field(page, "alias", "BTC/USD")).to_have_text("priced in USDT, at 0.9991 USD")
    expect(field(page, "alias", "BTC/USDT")).to_have_text("")


def test_where_an_alias_begins_or_ends_to_stand_in_the_card_says_so_with_the_exchange(
    of_kraken: WebSite, keys: PriceKeys, page: Page
) -> None:
    page.goto(of_kraken.url)
    status = report_of_three_exchanges()
    own = msgspec.structs.replace(
        status.pairs["BTC/USD"], symbol="BTCUSD", quote_asset="USD", is_quote_alias=False, exchange="bitstamp"
    )
    keys.write_report(msgspec.structs.replace(status, pairs={**status.pairs, "BTC/USD": own}))
    keys.write("BTC/USD", exchange="bitstamp", price="43251.50000000")

    expect(field(page, "exchange", "BTC/USD")).to_have_text("now from Bitstamp")
    expect(field(page, "alias", "BTC/USD")).to_have_text("")

    keys.write_report(status)
    keys.write("BTC/USD", exchange="binance", price="43252.50000000")
    expect(field(page, "alias", "BTC/USD")).to_have_text("priced in USDT, at 0.9991 USD")


def test_prices_to_be_doubted_are_named_as_health_names_them_when_the_page_comes_and_a_minute_later(
    shared_site: WebSite, keys: PriceKeys, page: Page
) -> None:
    keys.write(*PAIRS)
    moving = fetcher_status(PAIRS)
    still = ExchangeReport(exchange=ExchangeStatus(still_since=1_700_000_000_000))
    keys.write_report(msgspec.structs.replace(moving, exchanges={"binance": still}))
    page.clock.install()
    page.goto(shared_site.url)
    reasons = page.locator('[data-field="reasons"]')

    expect(reasons).to_have_text("The prices of Binance stand still since 2023-11-14 22:13:20 UTC.")
    page.clock.run_for(5_000)
    expect(reasons).to_have_text(re.compile("stand still"))
    keys.write_report(moving)
    page.clock.run_for(MINUTE_MS)
    run_until(page, lambda: reasons.text_content() == "")


def test_while_all_is_well_only_prices_are_asked_for_in_the_first_minute(
    of_kraken: WebSite, keys: PriceKeys, page: Page
) -> None:
    keys.write_report(fetcher_status(PAIRS))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.install()
    page.goto(of_kraken.url)
    page.clock.run_for(20_000)

    assert not [url for url in asked if "/health" in url or "/pairs" in url or "fetcher-facts" in url]


def test_the_line_of_the_last_hour_breaks_where_the_exchange_changes(
    of_kraken: WebSite, keys: PriceKeys, page: Page
) -> None:
    points = [(number * STEP_MS, str(43_000 + number)) for number in range(112, 0, -1)]
    keys.write_history("BTC/USDT", points[:60], exchange="binance")
    keys.add_history("BTC/USDT", points[60:], exchange="kraken")
    page.goto(of_kraken.url)

    expect(field(page, "line")).to_have_attribute("d", re.compile(r"^M[^M]{200,}M[^M]{200,}$"))
