"""What a reader does to the list; what of an address or a store can be used is tested in `tests/javascript`."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web_site import PAIRS

pytestmark = pytest.mark.browser

BY_CHANGE = ["BTC/USDT", "BTC/USD", "SHIB/USDT", "ETH/USDT"]
KEPT_NOTHING = (
    "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } })"
)


def shown_pairs(page: Page) -> list[str]:
    pairs: list[str] = page.locator("[data-pair]:visible").evaluate_all("all => all.map((one) => one.dataset.pair)")
    return pairs


def expect_pairs(page: Page, pairs: list[str]) -> None:
    for number, pair in enumerate(pairs):
        expect(page.locator("[data-pair]:visible").nth(number)).to_have_attribute("data-pair", pair)
    assert shown_pairs(page) == pairs


def sort_button(page: Page, name: str):
    return page.locator(f"button[data-sort={name}]")


def favourite(page: Page, pair: str):
    return page.get_by_role("button", name=f"Favourite {pair}", exact=True)


def search_field(page: Page):
    return page.get_by_role("searchbox", name="Search pairs")


def test_search_finds_a_pair_and_says_how_many_it_found(site, page):
    page.goto(site.url)
    search_field(page).fill("ETH usdt")

    expect_pairs(page, ["ETH/USDT"])
    expect(page.get_by_role("status")).to_contain_text("1 of 4 pairs found.")
    assert "q=" in page.url


def test_a_search_without_a_result_says_so_and_ends_with_the_field_empty(site, page):
    page.goto(site.url)
    search_field(page).fill("nothing has this name")
    expect(page.get_by_text("No pair has these letters in its name.")).to_be_visible()

    search_field(page).fill("")
    expect_pairs(page, list(PAIRS))
    assert page.url == f"{site.url}/"


def test_a_column_sorts_in_its_natural_direction_then_the_other_then_not_at_all(site, page):
    page.goto(site.url)
    sort_button(page, "change").click()
    expect_pairs(page, BY_CHANGE)
    expect(sort_button(page, "change")).to_have_accessible_name(re.compile("descending"))

    sort_button(page, "change").click()
    expect_pairs(page, ["ETH/USDT", "SHIB/USDT", "BTC/USDT", "BTC/USD"])
    sort_button(page, "change").click()
    expect_pairs(page, list(PAIRS))


def test_an_address_brings_its_order_to_whoever_opens_it(site, page):
    page.goto(f"{site.url}/?sort=-volume")
    expect_pairs(page, ["SHIB/USDT", "ETH/USDT", "BTC/USDT", "BTC/USD"])


def test_favourites_come_first_in_any_order_and_are_remembered(site, page):
    page.goto(site.url)
    favourite(page, "SHIB/USDT").press("Enter")
    expect_pairs(page, ["SHIB/USDT", "BTC/USDT", "ETH/USDT", "BTC/USD"])
    expect(favourite(page, "SHIB/USDT")).to_be_focused()
    page.goto(f"{site.url}/?sort=price")
    favourite(page, "ETH/USDT").click()

    page.goto(f"{site.url}/?sort=-name")
    expect_pairs(page, ["SHIB/USDT", "ETH/USDT", "BTC/USDT", "BTC/USD"])
    expect(favourite(page, "ETH/USDT")).to_have_attribute("aria-pressed", "true")
    favourite(page, "SHIB/USDT").click()
    expect_pairs(page, ["ETH/USDT", "SHIB/USDT", "BTC/USDT", "BTC/USD"])


def test_the_table_is_a_table_to_a_screen_reader_and_the_cards_are_a_list(site, page):
    page.goto(site.url)
    expect(page.get_by_role("listitem")).to_have_count(4)
    page.get_by_role("button", name="Table").click()

    table = page.get_by_role("table", name="Market prices")
    expect(table.get_by_role("row")).to_have_count(5)
    expect(table.get_by_role("columnheader")).to_have_count(7)
    expect(table.get_by_role("row").nth(1).get_by_role("cell")).to_have_count(6)
    expect(table.get_by_role("rowheader").first).to_contain_text("BTC/USDT")
    sort_button(page, "price").click()
    expect(page.get_by_role("columnheader", name="Price")).to_have_attribute("aria-sort", "descending")


def test_back_returns_to_what_was_chosen_before(site, page):
    page.goto(site.url)
    page.get_by_role("button", name="Table").click()
    sort_button(page, "change").click()
    search_field(page).fill("b")
    search_field(page).fill("btc")
    expect_pairs(page, ["BTC/USDT", "BTC/USD"])

    page.go_back()
    expect_pairs(page, BY_CHANGE)
    expect(search_field(page)).to_have_value("")
    page.go_back()
    expect_pairs(page, list(PAIRS))
    expect(page.get_by_role("table")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("table")).to_have_count(0)


def test_the_choice_of_the_last_visit_is_found_again_and_an_address_wins_over_it(site, page):
    page.goto(site.url)
    page.get_by_role("button", name="Table").click()
    sort_button(page, "change").click()

    page.goto(site.url)
    expect_pairs(page, BY_CHANGE)
    expect(page).to_have_url(f"{site.url}/?sort=-change&view=table")
    page.goto(f"{site.url}/?view=cards")
    expect(page.get_by_role("table")).to_have_count(0)


def test_nonsense_in_the_address_is_ignored(site, page):
    page.goto(f"{site.url}/?sort=toString&view=%00&other=kept")
    expect(page.get_by_role("status")).to_contain_text("Live")
    expect(page.get_by_role("table")).to_have_count(0)
    assert "other=kept" in page.url


@pytest.mark.parametrize("stored", ["no json", "null", '{"sort":7,"view":[],"favourites":{"a":1}}'])
def test_nonsense_in_the_browsers_store_is_ignored(site, page, stored):
    page.add_init_script(f"localStorage.setItem('market-data-list', {stored!r})")
    page.goto(site.url)
    sort_button(page, "change").click()
    expect_pairs(page, BY_CHANGE)


def test_a_browser_that_keeps_nothing_still_searches_sorts_and_marks(site, page):
    page.add_init_script(KEPT_NOTHING)
    page.goto(site.url)
    favourite(page, "ETH/USDT").click()
    sort_button(page, "change").click()
    expect_pairs(page, ["ETH/USDT", "BTC/USDT", "BTC/USD", "SHIB/USDT"])


def test_new_prices_change_the_order_but_never_under_the_readers_pointer(site, page, keys):
    page.clock.install()
    page.goto(f"{site.url}/?sort=-price")
    expect_pairs(page, ["BTC/USDT", "BTC/USD", "ETH/USDT", "SHIB/USDT"])
    page.locator("[data-pair]").first.hover()
    keys.write("SHIB/USDT", price="99000.00000000")
    page.clock.run_for(12_000)
    expect(page.locator("[data-pair='SHIB/USDT'] [data-field=price]")).to_have_text("99,000.00")
    expect_pairs(page, ["BTC/USDT", "BTC/USD", "ETH/USDT", "SHIB/USDT"])

    page.mouse.move(0, 0)
    page.clock.run_for(4_000)
    expect_pairs(page, ["SHIB/USDT", "BTC/USDT", "BTC/USD", "ETH/USDT"])


def test_without_javascript_there_is_nothing_to_press_and_the_address_still_chooses_the_table(site, new_page):
    page = new_page(java_script_enabled=False)
    page.goto(f"{site.url}/?view=table")

    assert page.locator("[data-view=table] .price-card__body").first.evaluate("row => row.clientHeight") < 60
    for control in page.get_by_role("button").all() + page.get_by_role("searchbox").all():
        expect(control).to_be_hidden()
