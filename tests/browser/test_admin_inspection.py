"""The admin's inspection page in a browser, in production mode and under the site's Content-Security-Policy."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_content_security_policy import ADMIN, REMEMBER_VIOLATIONS, violations
from tests.web_site import PAIRS, PriceKeys, WebSite, migrated_database

pytestmark = pytest.mark.browser

PRICE = "[data-inspected-pair='BTC/USDT'] td:nth-child(6)"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a database with one user."""
    return migrated_database(tmp_path_factory.mktemp("database"), *ADMIN)


@pytest.fixture
def admin_site(start_site: Callable[..., WebSite], keys: PriceKeys, database: str) -> WebSite:
    keys.write(*PAIRS)
    keys.report(PAIRS)
    return start_site(DATABASE_URL=database, SECRET_KEY="for-tests-only", DEBUG="false")


def sign_in(page: Page, site: WebSite) -> None:
    page.add_init_script(REMEMBER_VIOLATIONS)
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))  # the admin names no icon
    page.goto(f"{site.url}/admin/login/?next=/admin/")
    for label, text in zip(("Username", "Password"), ADMIN, strict=True):
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Inspection").first.click()
    expect(page.get_by_role("heading", name="Configuration and state")).to_be_visible()


def test_it_refreshes_itself_in_place_under_the_policy(page: Page, admin_site: WebSite, keys: PriceKeys) -> None:
    sign_in(page, admin_site)
    expect(page.locator(PRICE)).to_have_text("43,250.00")
    page.locator(PRICE).evaluate("cell => { window.cellBefore = cell }")

    keys.write(*PAIRS, price="51234.50000000")

    expect(page.locator(PRICE)).to_have_text("51,234.50", timeout=20_000)
    assert page.evaluate(f'document.querySelector("{PRICE}") === window.cellBefore')
    expect(page.get_by_role("status")).to_have_text("This page refreshes itself every 4 seconds.")
    assert violations(page) == []


def test_figures_that_are_no_longer_refreshed_are_marked_as_old_and_come_back(
    page: Page, admin_site: WebSite, keys: PriceKeys, outage_expected: None
) -> None:
    sign_in(page, admin_site)
    admin_site.stop()
    expect(page.get_by_role("status")).to_have_text(
        "Not refreshed, so these figures are old: The server did not answer.", timeout=20_000
    )
    expect(page.locator(PRICE)).to_have_text("43,250.00")

    keys.write(*PAIRS, price="51234.50000000")
    admin_site.start()

    expect(page.locator(PRICE)).to_have_text("51,234.50", timeout=20_000)
    expect(page.get_by_role("status")).to_have_text("This page refreshes itself every 4 seconds.")


def test_who_is_signed_out_meanwhile_is_told_so(page: Page, admin_site: WebSite) -> None:
    sign_in(page, admin_site)
    page.context.clear_cookies()

    expect(page.get_by_role("status")).to_contain_text("You are signed out", timeout=20_000)
    expect(page.locator(PRICE)).to_have_text("43,250.00")


def test_it_is_complete_without_javascript(new_page: Callable[..., Page], admin_site: WebSite, keys: PriceKeys) -> None:
    page = new_page(java_script_enabled=False)
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    page.goto(f"{admin_site.url}/admin/login/?next=/admin/market_data/inspection/")
    for label, text in zip(("Username", "Password"), ADMIN, strict=True):
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(PRICE)).to_have_text("43,250.00")

    keys.write(*PAIRS, price="51234.50000000")
    page.get_by_role("link", name="Read again").click()

    expect(page.locator(PRICE)).to_have_text("51,234.50")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_it_fits_the_screen_with_long_names_and_many_pairs(
    new_page: Callable[..., Page], start_site: Callable[..., WebSite], keys: PriceKeys, database: str, width, scheme
) -> None:
    pairs = [f"{'LONG' * 8}{number}/USDT" for number in range(300)]
    keys.write(*pairs)
    keys.report(pairs, last_error="a reason without end " * 20)
    variables = {"TRADING_PAIRS": ",".join(pairs), "DATABASE_URL": database, "SECRET_KEY": "for-tests-only"}
    page = new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    sign_in(page, start_site(**variables, DEBUG="false"))

    expect(page.locator("[data-inspected-pair]")).to_have_count(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
