"""What the dashboard costs a reader: bytes over the wire as production serves them, and memory in the long run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import CDPSession, Page, expect

from development.embedded_cache import EmbeddedCache
from tests.web_site import PAIRS, PriceKeys, WebSite

pytestmark = pytest.mark.browser

REPOSITORY = Path(__file__).resolve().parents[2]
MAX_SCRIPT_BYTES = 15_000
MAX_STYLE_BYTES = 8_000
HASHED = r"\.[0-9a-f]{12}\.\w+$"
MINUTE_MS = 60_000


@dataclass
class Transfers:
    """Every answer that a page has had from the network, by its type: path → bytes of the body as it was sent."""

    bytes_of: dict[str, dict[str, int]] = field(default_factory=dict)
    encodings: dict[str, str] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)

    def watch(self, session: CDPSession) -> None:
        def note(event: dict) -> None:
            address = urlsplit(event["response"]["url"])
            self.hosts.add(address.netloc)
            headers = {name.lower(): value for name, value in event["response"]["headers"].items()}
            self.encodings[address.path] = headers.get("content-encoding", "")
            length = int(headers.get("content-length", "0"))
            self.bytes_of.setdefault(event["type"], {})[address.path] = length

        session.on("Network.responseReceived", note)
        session.send("Network.enable")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a site in production mode whose static files are collected."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.collected_settings",
        "STATIC_ROOT_OF_THE_TEST": str(tmp_path_factory.mktemp("static")),
        "SECRET_KEY": "for-tests-only",
        "DEBUG": "false",
    }
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--ignore=admin", "--ignore=rest_framework"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **environment},
        check=True,
        capture_output=True,
        timeout=300,
    )
    return environment


@pytest.fixture(scope="module")
def collected_site(redis_server: EmbeddedCache, collected: dict[str, str]) -> Iterator[WebSite]:
    running = WebSite(redis_server.url, collected).start()
    yield running
    running.stop()


@pytest.fixture
def site(collected_site: WebSite, keys: PriceKeys) -> WebSite:
    keys.write(*PAIRS)
    keys.report(PAIRS)
    return collected_site


@pytest.fixture
def transfers(page: Page) -> Iterator[Transfers]:
    watched = Transfers()
    watched.watch(page.context.new_cdp_session(page))
    return watched


def opened(page: Page, site: WebSite, keys: PriceKeys) -> None:
    """Open the dashboard and wait until its script has painted a price that the page did not come with."""
    page.goto(site.url)
    keys.write(*PAIRS, price="51234.50000000")
    expect(page.locator("[data-pair='BTC/USDT'] [data-field='price']")).to_have_text("51,234.50")


def test_scripts_and_styles_of_the_dashboard_are_light_minified_and_hashed(
    site: WebSite, page: Page, keys: PriceKeys, transfers: Transfers
) -> None:
    opened(page, site, keys)
    scripts, styles = transfers.bytes_of["Script"], transfers.bytes_of["Stylesheet"]

    print(f"{sum(scripts.values())} bytes of script in {len(scripts)} files, {sum(styles.values())} bytes of style")  # noqa: T201
    assert sum(scripts.values()) < MAX_SCRIPT_BYTES, scripts
    assert sum(styles.values()) < MAX_STYLE_BYTES, styles
    assert len(scripts) > 3
    for path in (*scripts, *styles):
        assert {**scripts, **styles}[path] > 0
        assert page.evaluate(f"/{HASHED}/.test({path!r})"), f"{path} carries no hash"
        assert transfers.encodings[path] == "br"


def test_no_request_goes_to_another_host(site: WebSite, page: Page, keys: PriceKeys, transfers: Transfers) -> None:
    opened(page, site, keys)

    assert transfers.hosts == {urlsplit(site.url).netloc}


def test_two_hours_open_cost_no_memory(site: WebSite, page: Page, keys: PriceKeys) -> None:
    """The clock runs fast; prices change with every poll, and now and then the page is hidden and seen again."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.clock.install()
    polls: list[str] = []
    page.on("response", lambda response: "/prices" in response.url and polls.append(response.url))
    opened_at_minutes = 10
    page.goto(site.url)

    def live_minutes(count: int) -> None:
        for minute in range(count):
            keys.write(*PAIRS, price=f"{40_000 + minute}.50000000")
            polled = len(polls)
            page.clock.fast_forward(MINUTE_MS)
            page.clock.run_for(3_000)
            page.wait_for_function("() => document.readyState === 'complete'")
            assert len(polls) >= polled

    live_minutes(opened_at_minutes)
    early = memory(session)
    live_minutes(120 - opened_at_minutes)
    late = memory(session)

    print(f"{len(polls)} polls; after {opened_at_minutes} min {early}, after two hours {late}")  # noqa: T201
    assert len(polls) > 100
    assert late["Nodes"] <= early["Nodes"] + 20
    assert late["JSEventListeners"] <= early["JSEventListeners"]
    assert late["JSHeapUsedSize"] < early["JSHeapUsedSize"] + 300_000


def memory(session: CDPSession) -> dict[str, int]:
    """Return the counts of the page's nodes and listeners and the bytes of its heap, after garbage collection."""
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    metrics = {metric["name"]: int(metric["value"]) for metric in session.send("Performance.getMetrics")["metrics"]}
    return {name: metrics[name] for name in ("Nodes", "JSEventListeners", "JSHeapUsedSize")}
