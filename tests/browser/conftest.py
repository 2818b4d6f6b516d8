"""Real Chromium, the real web server and a real cache; a page that reports an error on its console fails its test."""

import os
from collections.abc import Callable, Iterator

import pytest
import redis
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from development.chromium import ADVICE, find_chromium
from development.embedded_cache import EmbeddedCache
from tests.web_site import PAIRS, PriceKeys, WebSite

# The shortest times that the settings allow, and a fetcher that says it fetches as often as the page polls: no test
# need wait longer for a price, or for the Retry-After of a 503.
POLL_INTERVAL_MS = 500
QUICK = {"MARKET_DATA_CLIENT_POLL_INTERVAL_MS": str(POLL_INTERVAL_MS), "MARKET_DATA_FETCH_INTERVAL_MS": "2000"}
DEADLINE_MS = 60_000
"""Longer than any wait of fetcher, server and page after an outage, on a machine that is busy with other things."""
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
]


def chromium_program() -> str:
    """Return the browser's path; without one, fail on CI and skip elsewhere."""
    found = find_chromium()
    if found:
        return str(found)
    if os.environ.get("CI"):
        pytest.fail(ADVICE)
    pytest.skip(ADVICE)


# Playwright keeps an event loop in this thread, which Django's database layer refuses: so it ends with this package.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    program = chromium_program()
    expect.set_options(timeout=DEADLINE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def shared_site(redis_server: EmbeddedCache) -> Iterator[WebSite]:
    running = WebSite(redis_server.url, QUICK).start()
    yield running
    running.stop()


@pytest.fixture
def keys(redis_client: redis.Redis) -> PriceKeys:
    """A pen for an empty cache."""
    return PriceKeys(redis_client, fetch_interval_ms=POLL_INTERVAL_MS)


@pytest.fixture
def site(shared_site: WebSite, keys: PriceKeys) -> WebSite:
    """The site with four live prices and a fetcher's report."""
    keys.write(*PAIRS)
    keys.report(PAIRS)
    return shared_site


@pytest.fixture
def start_site(redis_server: EmbeddedCache) -> Iterator[Callable[..., WebSite]]:
    """Start a site of the test's own, with more environment variables or another cache."""
    started: list[WebSite] = []

    def start(redis_url: str | None = None, **environment: str) -> WebSite:
        started.append(WebSite(redis_url or redis_server.url, {**QUICK, **environment}))
        return started[-1].start()

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def console_errors() -> list[str]:
    """What the pages of this test complained about."""
    return []


@pytest.fixture
def allowed_errors() -> list[str]:
    """Beginnings of complaints that this test provokes; they may come until the page is closed."""
    return []


@pytest.fixture
def new_page(
    chromium: Browser,
    console_errors: list[str],
    allowed_errors: list[str],
    start_site: Callable[..., WebSite],  # so that a page is closed before its site stops
) -> Iterator[Callable[..., Page]]:
    """Open a page in a context of its own; options are those of a Playwright context."""
    contexts: list[BrowserContext] = []

    def complain(message: ConsoleMessage) -> None:
        if message.type == "error":
            console_errors.append(message.text)

    def open_page(**options: object) -> Page:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(DEADLINE_MS)
        page.on("console", complain)
        page.on("pageerror", lambda error: console_errors.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in console_errors if not text.startswith(tuple(allowed_errors))] == []


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@pytest.fixture
def outage_expected(allowed_errors: list[str]) -> None:
    """Allow the lines that the browser itself writes for each failed request."""
    allowed_errors.append("Failed to load resource")
