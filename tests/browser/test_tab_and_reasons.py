"""What a reader learns of an outage: from the tab in the background, and about the next attempt."""

import re
from collections.abc import Callable

import msgspec
import pytest
from playwright.sync_api import Page, expect

from market_data.ticker_cache.status import BackoffStatus, CircuitStatus, ExchangeStatus, FetcherStatus
from tests.web_site import PAIRS, PriceKeys, WebSite, fetcher_status, now_ms

pytestmark = pytest.mark.browser

LIVE = re.compile("Live")


def report(
    keys: PriceKeys, *, is_running: bool = True, **parts: CircuitStatus | BackoffStatus | ExchangeStatus
) -> None:
    """Write a fetcher's report of an outage."""
    status: FetcherStatus = fetcher_status(PAIRS, last_error="the exchange does not answer")
    keys.client.set("market_data_fetcher:status", msgspec.json.encode(msgspec.structs.replace(status, **parts)))
    if is_running:
        keys.client.set("market_data_fetcher:lease", "token-of-a-test")


def reasons(page: Page):
    return page.locator('[data-field="reasons"]')


def icon(page: Page) -> str:
    return page.locator("link[rel~='icon']").evaluate("({ href }) => href.split('/').at(-1)")


def title(page: Page) -> str:
    return page.title().partition(" · ")[0]


def wait_for_title(page: Page, word: str) -> None:
    page.wait_for_function("(word) => document.title.startsWith(word)", arg=word)


def test_title_and_icon_of_the_tab_say_what_is_not_live_and_are_clear_again_after_it(
    start_site: Callable[..., WebSite], keys: PriceKeys, page: Page, outage_expected: None
) -> None:
    keys.write(*PAIRS)
    keys.report(PAIRS)
    site = start_site()
    page.goto(site.url)
    expect(page.get_by_role("status").first).to_have_text(LIVE)
    usual = page.title()
    assert (title(page), icon(page)) == ("Market prices", "favicon.svg")

    keys.expire("ETH/USDT")
    wait_for_title(page, "Stale · Market prices")
    assert icon(page) == "favicon-stale.svg"
    keys.expire(*PAIRS)
    wait_for_title(page, "Unavailable · Market prices")
    assert icon(page) == "favicon-unavailable.svg"
    site.stop()
    wait_for_title(page, "Error · Market prices")
    assert icon(page) == "favicon-error.svg"

    site.start()
    keys.write(*PAIRS)
    page.wait_for_function("(usual) => document.title === usual", arg=usual)
    assert icon(page) == "favicon.svg"


def test_every_icon_of_a_state_is_served_and_differs_from_the_others(site: WebSite, page: Page) -> None:
    page.goto(site.url)
    icons = page.evaluate("""async () => {
        const config = JSON.parse(document.querySelector("script[type='application/json']").textContent)
        const own = document.querySelector("link[rel~='icon']").href
        const answers = await Promise.all([own, ...Object.values(config.tabIcons)].map((url) => fetch(url)))
        const contentOf = async (answer) => [answer.headers.get('Content-Type'), await answer.text()]
        return await Promise.all(answers.map(contentOf))
    }""")

    assert {kind for kind, _ in icons} == {"image/svg+xml"}
    assert len({text for _, text in icons}) == 4


def test_embedded_components_leave_the_tab_alone(
    site: WebSite, keys: PriceKeys, page: Page, outage_expected: None
) -> None:
    page.goto(f"{site.url}/example/")
    before = page.title()
    keys.expire(*PAIRS)

    expect(page.get_by_text("Prices are temporarily unavailable.").first).to_be_visible()
    assert (page.title(), icon(page)) == (before, "favicon.svg")


def test_an_outage_says_why_and_counts_down_to_the_next_attempt(
    site: WebSite, keys: PriceKeys, page: Page, outage_expected: None
) -> None:
    keys.expire(*PAIRS)
    attempt_at = now_ms() + 85_000
    report(keys, circuit_breaker=CircuitStatus(state="open", consecutive_failures=3, retry_at=attempt_at))
    page.goto(site.url)

    expect(reasons(page)).to_contain_text("The last refresh cycle failed: the exchange does not answer.")
    shown = re.compile(r"The exchange is asked again in (\d+) s\.$")
    expect(reasons(page)).to_have_text(shown)
    first = int(shown.search(reasons(page).inner_text())[1])
    expect(reasons(page)).not_to_contain_text(f"in {first} s")
    later = int(shown.search(reasons(page).inner_text())[1])
    assert later < first <= 85


def test_of_several_reasons_to_wait_the_longest_counts_and_a_long_one_is_a_local_time(
    site: WebSite, keys: PriceKeys, new_page: Callable[..., Page], outage_expected: None
) -> None:
    keys.expire(*PAIRS)
    banned_until = (now_ms() // 86_400_000 + 3) * 86_400_000
    report(
        keys,
        exchange=ExchangeStatus(banned_until=banned_until),
        backoff=BackoffStatus(failures_in_a_row=2, next_cycle_at=now_ms() + 8_000),
    )
    page = new_page(timezone_id="Asia/Tokyo", locale="en-GB")
    page.goto(site.url)

    expect(reasons(page)).to_contain_text(re.compile(r"The exchange is asked again at \d+ \w+ \d{4}, 09:00:00\.$"))


def test_a_browser_clock_wrong_by_an_hour_changes_no_countdown(
    site: WebSite, keys: PriceKeys, page: Page, outage_expected: None
) -> None:
    keys.expire(*PAIRS)
    report(keys, backoff=BackoffStatus(failures_in_a_row=1, next_cycle_at=now_ms() + 85_000))
    page.clock.install(time=now_ms() / 1000 + 3600)
    page.goto(site.url)
    page.clock.run_for(3_000)

    expect(reasons(page)).to_contain_text(re.compile(r"asked again in \d\d s\."))
