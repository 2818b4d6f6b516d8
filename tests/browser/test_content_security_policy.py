"""Pages under the site's Content-Security-Policy, in a browser that enforces it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.web_site import PAIRS, PriceKeys, WebSite

pytestmark = pytest.mark.browser

REMEMBER_VIOLATIONS = """
window.violations = []
document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
  window.violations.push(`${effectiveDirective} ${blockedURI}`)
})
"""


@pytest.fixture
def watched_page(new_page: Callable[..., Page]) -> Page:
    """A page that notes what its policy forbids, from before its first script on."""
    page = new_page()
    page.add_init_script(REMEMBER_VIOLATIONS)
    return page


def violations(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.violations")
    return found


def test_the_page_polls_and_paints_without_a_violation(watched_page: Page, site: WebSite, keys: PriceKeys) -> None:
    watched_page.goto(site.url)
    price = watched_page.locator("[data-pair='BTC/USDT'] [data-field='price']")
    expect(price).to_have_text("43,250.00")

    keys.write(*PAIRS, price="51234.50000000")

    expect(price).to_have_text("51,234.50")
    assert violations(watched_page) == []


def test_what_an_attacker_brings_into_the_page_neither_runs_nor_loads(
    watched_page: Page, site: WebSite, console_errors: list[str]
) -> None:
    watched_page.goto(site.url)
    watched_page.evaluate(
        """async () => {
          const script = document.createElement("script")
          script.textContent = "window.isTakenOver = true"
          document.body.append(script)
          document.body.insertAdjacentHTML("beforeend", `<p id="painted" style="color: rgb(1, 2, 3)">painted</p>`)
          await fetch("http://127.0.0.1:9/steal").catch(() => {})
        }"""
    )

    assert watched_page.evaluate("window.isTakenOver") is None
    assert watched_page.evaluate("getComputedStyle(document.querySelector('#painted')).color") != "rgb(1, 2, 3)"
    watched_page.wait_for_function("window.violations.length >= 3")
    directives = {violation.split()[0] for violation in violations(watched_page)}
    assert directives == {"script-src-elem", "style-src-attr", "connect-src"}
    assert console_errors
    console_errors.clear()
