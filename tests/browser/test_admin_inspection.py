"""The admin and its inspection page in a browser, in production mode and under the site's Content-Security-Policy."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from development.embedded_cache import EmbeddedCache
from tests.browser.conftest import QUICK
from tests.browser.test_content_security_policy import REMEMBER_VIOLATIONS, violations
from tests.web_site import PAIRS, PriceKeys, WebSite, migrated_database

pytestmark = pytest.mark.browser

ADMIN = ("root", "a-password-of-the-tests")
PRODUCTION = {"SECRET_KEY": "for-tests-only", "DEBUG": "false"}
REFRESH_MS = 4000
PRICE = "[data-inspected-pair='BTC/USDT'] td:nth-child(6)"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a database with one user."""
    return migrated_database(tmp_path_factory.mktemp("database"), *ADMIN)


@pytest.fixture(scope="module")
def production_site(redis_server: EmbeddedCache, database: str) -> Iterator[WebSite]:
    running = WebSite(redis_server.url, {**QUICK, **PRODUCTION, "DATABASE_URL": database}).start()
    yield running
    running.stop()


@pytest.fixture
def admin_site(production_site: WebSite, keys: PriceKeys) -> WebSite:
    keys.write(*PAIRS)
    keys.report(PAIRS)
    return production_site


def sign_in(page: Page, site: WebSite, path: str = "/admin/market_data/inspection/") -> None:
    page.add_init_script(REMEMBER_VIOLATIONS)
    page.clock.install()
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))  # the admin names no icon
    page.goto(f"{site.url}/admin/login/?next={path}")
    for label, text in zip(("Username", "Password"), ADMIN, strict=True):
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{site.url}{path}")  # loaded, and its script has run


def test_the_admin_works_under_the_policy_of_the_site(page: Page, admin_site: WebSite) -> None:
    sign_in(page, admin_site, "/admin/")
    expect(page.get_by_text("Site administration")).to_be_visible()
    seen = violations(page)

    for path in ("auth/user/", "auth/user/add/", "auth/user/1/change/", "auth/group/add/"):
        page.goto(f"{admin_site.url}/admin/{path}")
        expect(page.locator("#content h1")).to_be_visible()
        seen += violations(page)

    expect(page.locator(".selector-chosen").first).to_be_visible()  # built by the admin's own script
    page.get_by_role("link", name="Inspection").first.click()
    expect(page.get_by_role("heading", name="Configuration and state")).to_be_visible()
    assert seen == []


def test_it_refreshes_itself_in_place_under_the_policy(page: Page, admin_site: WebSite, keys: PriceKeys) -> None:
    sign_in(page, admin_site)
    expect(page.locator(PRICE)).to_have_text("43,250.00")
    page.locator(PRICE).evaluate("cell => { window.cellBefore = cell }")

    keys.write(*PAIRS, price="51234.50000000")
    page.clock.run_for(REFRESH_MS)

    expect(page.locator(PRICE)).to_have_text("51,234.50")
    assert page.evaluate(f'document.querySelector("{PRICE}") === window.cellBefore')
    expect(page.get_by_role("status")).to_have_text("This page refreshes itself every 4 seconds.")
    assert violations(page) == []


def test_figures_that_are_no_longer_refreshed_are_marked_as_old_and_come_back(
    page: Page, start_site: Callable[..., WebSite], database: str, keys: PriceKeys, outage_expected: None
) -> None:
    keys.write(*PAIRS)
    site = start_site(**PRODUCTION, DATABASE_URL=database)
    sign_in(page, site)
    site.stop()
    page.clock.run_for(REFRESH_MS)
    expect(page.get_by_role("status")).to_have_text(
        "Not refreshed, so these figures are old: The server did not answer."
    )
    expect(page.locator(PRICE)).to_have_text("43,250.00")

    keys.write(*PAIRS, price="51234.50000000")
    site.start()
    page.clock.run_for(REFRESH_MS)

    expect(page.locator(PRICE)).to_have_text("51,234.50")
    expect(page.get_by_role("status")).to_have_text("This page refreshes itself every 4 seconds.")


def test_who_is_signed_out_meanwhile_is_told_so(page: Page, admin_site: WebSite) -> None:
    sign_in(page, admin_site)
    page.context.clear_cookies()
    page.clock.run_for(REFRESH_MS)

    expect(page.get_by_role("status")).to_contain_text("You are signed out")
    expect(page.locator(PRICE)).to_have_text("43,250.00")


def test_it_is_complete_without_javascript(new_page: Callable[..., Page], admin_site: WebSite, keys: PriceKeys) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, admin_site)
    expect(page.locator(PRICE)).to_have_text("43,250.00")

    keys.write(*PAIRS, price="51234.50000000")
    page.get_by_role("link", name="Read again").click()

    expect(page.locator(PRICE)).to_have_text("51,234.50")


def test_it_fits_the_screen_with_long_names_and_many_pairs(
    page: Page, start_site: Callable[..., WebSite], keys: PriceKeys, database: str
) -> None:
    pairs = [f"{'LONG' * 8}{number}/USDT" for number in range(300)]
    keys.write(*pairs)
    keys.report(pairs, last_error="a reason without end " * 20)
    sign_in(page, start_site(**PRODUCTION, TRADING_PAIRS=",".join(pairs), DATABASE_URL=database))
    expect(page.locator("[data-inspected-pair]")).to_have_count(300)
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
