"""The line of the last hour on the page; its shape is tested in `tests/javascript`."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

STEP_MS = 16_000
HALF_AN_HOUR = [(number * STEP_MS, str(43_000 + number)) for number in range(112, 0, -1)]


def line(page: Page, pair: str = "BTC/USDT"):
    return page.locator(f"[data-pair='{pair}'] [data-field=line]")


def test_a_page_just_opened_has_the_last_hour_at_once(site, page, keys):
    keys.write_history("BTC/USDT", HALF_AN_HOUR)
    page.goto(site.url)

    expect(line(page)).to_have_attribute("d", re.compile(r"^M[\d.]+ [\d.]+L(?:[\d.]+ ?){200,}$"))
    expect(page.locator("[data-pair='BTC/USDT']")).to_have_attribute("data-trend", "up")


def test_a_gap_in_the_data_is_a_gap_in_the_line(site, page, keys):
    keys.write_history("BTC/USDT", HALF_AN_HOUR[:40] + HALF_AN_HOUR[60:])
    page.goto(site.url)

    expect(line(page)).to_have_attribute("d", re.compile(r"^M[^M]+M[^M]+$"))


def test_the_line_goes_on_with_the_prices_that_are_polled(site, page, keys):
    keys.write_history("BTC/USDT", HALF_AN_HOUR)
    page.goto(site.url)
    expect(line(page)).to_have_attribute("d", re.compile(".{200}"))
    before = line(page).get_attribute("d")
    keys.write("BTC/USDT", price="40000.00000000")

    expect(line(page)).not_to_have_attribute("d", before)
    expect(page.locator("[data-pair='BTC/USDT']")).to_have_attribute("data-trend", "down")


def test_only_the_pairs_on_the_screen_are_asked_for(start_site, keys, page):
    pairs = [f"COIN{number}/USDT" for number in range(200)]
    keys.write(*pairs)
    keys.report(pairs)
    site = start_site(TRADING_PAIRS=",".join(pairs))
    with page.expect_request("**/api/market-data/history?*") as request:
        page.goto(site.url)

    asked = request.value.url
    assert "COIN0%2FUSDT" in asked
    assert "COIN199" not in asked
    with page.expect_request(lambda request: "COIN199" in request.url):
        page.locator("[data-pair='COIN199/USDT']").scroll_into_view_if_needed()


def test_a_history_that_cannot_be_had_costs_no_price(site, page, outage_expected):
    page.route("**/api/market-data/history?*", lambda route: route.fulfill(status=503, body="no"))
    page.goto(site.url)

    expect(page.locator("[data-pair='BTC/USDT'] [data-field=price]")).to_have_text("43,250.00")
    expect(page.get_by_role("status")).to_contain_text("Live")
