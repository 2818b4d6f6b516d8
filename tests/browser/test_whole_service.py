"""The page before the whole service: fetcher, simulated exchange, web server and cache, of which one fails."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.drills.conftest import TICKERS, Hall, open_hall

pytestmark = pytest.mark.browser

SHORT_TIMES = {
    "MARKET_DATA_CACHE_TTL_MS": "4000",
    "MARKET_DATA_CACHE_STALE_TTL_MS": "3000",
    "MARKET_DATA_CLIENT_POLL_INTERVAL_MS": "500",
}


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """One service for all tests: each leaves it whole."""
    with open_hall(tmp_path_factory.mktemp("hall")) as running:
        running.variables |= SHORT_TIMES
        running.start()
        yield running


@pytest.fixture
def watched(hall: Hall, page: Page, outage_expected: None) -> Page:
    """The page with live prices of the simulator."""
    page.goto(hall.sites[-1].url)
    expect(status(page)).to_contain_text("Live")
    return page


def status(page: Page) -> Locator:
    return page.get_by_role("status")


def price(page: Page) -> Locator:
    return page.locator("[data-pair='BTC/USDT'] [data-field='price']")


def assert_last_prices_are_kept_and_marked(page: Page) -> None:
    expect(price(page)).to_have_text(re.compile(r"\d"))
    expect(page.locator("[data-pair='BTC/USDT']")).to_have_attribute("data-state", "stale")


def test_an_outage_of_the_exchange_is_told_with_its_reason_and_ends_by_itself(hall: Hall, watched: Page) -> None:
    hall.exchange.faults.add("status", path=TICKERS, status=502, body="html")
    expect(status(watched)).to_contain_text("Unavailable")
    expect(watched.locator("[data-field=reasons]")).to_contain_text("502")
    assert_last_prices_are_kept_and_marked(watched)

    hall.exchange.faults.clear()
    expect(status(watched)).to_contain_text("Live")
    expect(watched.locator("[data-field=reasons]")).to_have_text("")


def test_a_killed_fetcher_is_named_and_its_successor_needs_no_reload(hall: Hall, watched: Page) -> None:
    hall.fetchers[-1].process.kill()
    expect(status(watched)).to_contain_text("Unavailable")
    expect(watched.locator("[data-field=reasons]")).to_contain_text("No fetcher is running.")
    assert_last_prices_are_kept_and_marked(watched)

    hall.start_fetcher()
    expect(status(watched)).to_contain_text("Live")


def test_a_cache_that_is_gone_is_named_and_its_return_needs_no_reload(hall: Hall, watched: Page) -> None:
    hall.cache.stop()
    expect(status(watched)).to_contain_text("Unavailable")
    expect(watched.locator("[data-field=reasons]")).to_contain_text("cache cannot be reached")
    assert_last_prices_are_kept_and_marked(watched)

    hall.cache.start()
    expect(status(watched)).to_contain_text("Live")


def test_prices_of_the_simulator_are_marked_and_change_by_themselves(hall: Hall, watched: Page) -> None:
    expect(watched.get_by_text("SIMULATED", exact=True)).to_be_visible()

    hall.exchange.faults.add("price", symbols=["BTCUSDT"], set="31234.50")
    expect(price(watched)).to_have_text(re.compile("31,234.5"))
