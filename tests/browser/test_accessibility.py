"""The page for everyone: what axe-core finds in each state, the keyboard, zoom, forced colours, either direction."""

import json
import re
from collections.abc import Callable
from itertools import product

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Page, expect

from tests.web_site import PAIRS, PriceKeys, WebSite

pytestmark = pytest.mark.browser

LOOKS = (("Cards", "light", 320), ("Cards", "dark", 1280), ("Table", "dark", 320), ("Table", "light", 1280))
"""Each view in either colour scheme, and each view and each scheme at either width."""
RUN_AXE = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] })
    return violations.map(({ id, nodes }) => [id, nodes.map(({ html, any }) => [html, any[0]?.message])])
}"""
SHIFTS = """() => {
    window.shifts = []
    new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map(({ value }) => value)))
        .observe({ type: "layout-shift", buffered: true })
}"""


def live(keys: PriceKeys) -> None:
    keys.write(*PAIRS)
    keys.report(PAIRS)


def stale(keys: PriceKeys) -> None:
    keys.write(*PAIRS[1:])
    keys.write(PAIRS[0], age_ms=60_000, is_current=False)
    keys.report(PAIRS)


def partly_missing(keys: PriceKeys) -> None:
    keys.write("BTC/USDT", "BTC/USD")
    keys.write("ETH/USDT", age_ms=60_000, is_current=False)
    keys.report(PAIRS)


def exchange_unreachable(keys: PriceKeys) -> None:
    keys.write(*PAIRS, age_ms=60_000, is_current=False)
    keys.report(PAIRS, last_error="no host of the exchange answers")


def cold_start(keys: PriceKeys) -> None:
    keys.client.flushall()


def simulated(keys: PriceKeys) -> None:
    live(keys)
    keys.set_source("simulator")


STATES: dict[Callable[[PriceKeys], None], str] = {
    live: "polling",
    stale: "stale",
    partly_missing: "stale",
    exchange_unreachable: "unavailable",
    cold_start: "unavailable",
    simulated: "polling",
}


def found_by_axe(page: Page) -> object:
    if page.evaluate("!window.axe"):
        page.evaluate(AXE_FILE_PATH.read_text() + "; undefined")
    return page.evaluate(RUN_AXE)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_axe_finds_nothing_in_any_state(
    shared_site: WebSite, keys: PriceKeys, new_page: Callable[..., Page], state, outage_expected
) -> None:
    state(keys)
    page = new_page(reduced_motion="reduce")
    page.goto(shared_site.url)
    expect(page.locator("[data-market-prices]")).to_have_attribute("data-status", STATES[state])
    for view, scheme, width in LOOKS:
        page.get_by_role("button", name=view).click()
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        assert found_by_axe(page) == [], (view, scheme, width)
    page.close()  # which ends the console's lines about failed requests


def test_axe_finds_nothing_while_the_server_is_out_of_reach(site, page, outage_expected) -> None:
    page.goto(site.url)
    expect(page.get_by_role("status")).to_contain_text("Live")
    page.route("**/api/**", lambda route: route.abort())
    expect(page.locator("[data-market-prices]")).to_have_attribute("data-status", "error")

    assert found_by_axe(page) == []


def test_axe_finds_what_is_wrong(site, page) -> None:
    page.goto(site.url)
    page.evaluate("document.querySelector('[data-search]').closest('label').firstElementChild.remove()")
    page.evaluate("document.querySelector('[data-search]').placeholder = ''")

    assert "label" in json.dumps(found_by_axe(page))


def test_everything_is_reached_with_the_keyboard_in_the_order_in_which_it_stands(site, page) -> None:
    page.goto(site.url)
    expect(page.get_by_role("status")).to_contain_text("Live")
    reached = []
    for _ in range(17):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("""() => {
                const one = document.activeElement
                const { outlineStyle } = getComputedStyle(one)
                return [one.ariaLabel ?? one.placeholder ?? one.innerText.split("\\n")[0], outlineStyle]
            }""")
        )
    names = [re.sub(r"\s+", " ", name).strip() for name, _ in reached]
    assert names[5:] == [
        "Search pairs",
        "Cards",
        "Table",
        "Pair",
        "Price",
        "24 h change",
        "24 h volume",
        *(f"Favourite {pair}" for pair in PAIRS),
        names[-1],
    ]
    assert {outline for _, outline in reached[:-1]} == {"solid"}


CUT_OFF = """(fields) => fields.filter((field) => {
    const [inner, outer] = [field, field.closest("[data-pair]")].map((one) => one.getBoundingClientRect())
    return inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.bottom > outer.bottom + 1
}).map((field) => field.outerHTML)"""


@pytest.mark.parametrize("view", ["cards", "table"])
def test_no_width_needs_scrolling_sideways_in_either_direction(site, page, keys, view) -> None:
    keys.write("BTC/USDT", price="1082448588.00")
    keys.set_source("simulator")
    page.goto(f"{site.url}/?view={view}")
    for width, direction in product([320, 375, 640, 768, 1440], ["ltr", "rtl"]):  # 320 is 1280 pixels at 400 %
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate("(direction) => (document.documentElement.dir = direction)", direction)

        assert page.evaluate("document.documentElement.scrollWidth") == width, direction
        cut_off = page.locator("[data-pair] [data-field]:visible").evaluate_all(CUT_OFF)
        assert cut_off == [], (width, direction)


def test_figures_read_from_left_to_right_in_a_page_that_runs_from_right_to_left(site, page) -> None:
    page.goto(site.url)
    page.evaluate("document.documentElement.dir = 'rtl'")
    places = page.locator("[data-pair='ETH/USDT']").evaluate("""(card) => {
        const left = (name) => card.querySelector(`[data-field=${name}]`).getBoundingClientRect().left
        return { low: left("low"), high: left("high"), age: left("age"), state: left("state"),
                 amount: getComputedStyle(card.querySelector(".price-card__amount")).direction }
    }""")
    assert places["low"] < places["high"]
    assert places["age"] < places["state"]
    assert places["amount"] == "ltr"


def test_forced_colours_keep_the_position_in_the_range_and_the_chosen_view_visible(site, new_page) -> None:
    page = new_page(forced_colors="active")
    page.goto(site.url)
    expect(page.get_by_role("status")).to_contain_text("Live")

    style = "(element, name) => getComputedStyle(element)[name]"
    dot, card = page.locator(".price-card__position circle").first, page.locator(".price-card").first
    assert dot.evaluate(style, "fill") != card.evaluate(style, "backgroundColor")
    assert page.get_by_role("button", name="Cards").evaluate(style, "outlineStyle") == "solid"


@pytest.mark.parametrize("locale", ["de-DE", "ar-EG", "hi-IN"])
def test_numbers_are_written_as_the_viewers_locale_does(site, new_page, keys, locale) -> None:
    keys.write("BTC/USDT", price="1082448588.00")
    page = new_page(locale=locale)
    page.goto(site.url)
    expected = page.evaluate(
        "(locale) => new Intl.NumberFormat(locale, { minimumFractionDigits: 2 }).format(1082448588)", locale
    )
    assert expected != "1,082,448,588.00"
    expect(page.locator("[data-pair='BTC/USDT'] [data-field=price]")).to_have_text(expected)


@pytest.mark.parametrize("view", ["cards", "table"])
def test_nothing_jumps_when_digits_and_states_come_and_go(site, page, keys, view) -> None:
    page.goto(f"{site.url}/?view={view}")
    expect(page.get_by_role("status")).to_contain_text("Live")
    page.evaluate(SHIFTS)
    page.evaluate("window.shifts.length = 0")
    price = page.locator("[data-pair='BTC/USDT'] [data-field=price]")
    for figures in ("9.99000000", "1082448588.00"):
        keys.write("BTC/USDT", price=figures)
        expect(price).to_have_text(re.compile(figures[0]))
    keys.expire("ETH/USDT")
    expect(page.locator("[data-pair='ETH/USDT'] [data-field=state]")).to_have_text("Stale")
    keys.client.delete("market_data:SHIB/USDT", "market_data_last:SHIB/USDT")
    expect(page.locator("[data-pair='SHIB/USDT'] [data-field=state]")).to_have_text("Stale")  # no answer has it now
    page.reload()
    expect(page.locator("[data-pair='SHIB/USDT'] [data-field=state]")).to_have_text("Missing")
    keys.write(*PAIRS)
    expect(page.get_by_role("status")).to_contain_text("4 of 4")

    assert page.evaluate("window.shifts ?? []") == []
