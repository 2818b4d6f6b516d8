"""The drill hall: every real part of the service around one test, each of which may be broken."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import redis

from development.embedded_cache import EmbeddedCache
from exchange_simulator.server import RunningSimulator
from tests.drills.recovery_times import RecoveryTimes, recovery_table
from tests.fetcher_process import FetcherProcess
from tests.process_facts import wait_until
from tests.web_site import WebSite

API = "/api/market-data/"
TICKERS = "/api/v3/ticker/24hr"
# The shortest times that the settings allow, so that what takes time takes little of it.
SHORT_TIMES = {"MARKET_DATA_FETCH_INTERVAL_MS": "2000"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--recovery-times", action="store_true", help="print how long recovery took in each drill")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("recovery_times", default=False):
        terminalreporter.section("Recovery times")
        for line in recovery_table(terminalreporter.getreports("passed")):
            terminalreporter.line(line)


@pytest.fixture
def recovery(request: pytest.FixtureRequest) -> RecoveryTimes:
    return RecoveryTimes(request.node.user_properties)


@dataclass(frozen=True)
class Reply:
    """One HTTP answer and how long it took."""

    status: int
    headers: Message
    body: bytes
    seconds: float

    @property
    def content(self) -> Any:
        return json.loads(self.body)


class Hall:
    """Fetchers, web server, exchange and cache. `variables` go to every process; a process may have its own."""

    def __init__(self, folder: Path, exchange: RunningSimulator, cache: EmbeddedCache, pairs: str) -> None:
        self.exchange = exchange
        self.cache = cache
        self.variables: dict[str, str | None] = {
            **SHORT_TIMES,
            "TRADING_PAIRS": pairs,
            "BINANCE_API_BASE_URL": exchange.base_url,
            "BINANCE_API_FALLBACK_URLS": "[]",
        }
        self.client = redis.Redis.from_url(cache.url)
        self.fetchers: list[FetcherProcess] = []
        self.sites: list[WebSite] = []
        self._folder = folder

    def start_fetcher(self, *arguments: str, **variables: str | None) -> FetcherProcess:
        """Start a fetcher process."""
        log = self._folder / f"fetcher-{len(self.fetchers)}.log"
        given = {"REDIS_URL": self.cache.url, **self.variables, **variables}
        self.fetchers.append(FetcherProcess(given, log, *arguments))
        return self.fetchers[-1]

    def start_web(self, **variables: str) -> WebSite:
        """Start a web server and return once it answers."""
        given: Mapping[str, Any] = {**self.variables, **variables}
        self.sites.append(WebSite(variables.get("REDIS_URL", self.cache.url), given).start())
        return self.sites[-1]

    def start(self, **variables: str) -> FetcherProcess:
        """Start a web server and a fetcher, and return once every pair is served."""
        self.start_web()
        fetcher = self.start_fetcher(**variables)
        self.wait_for_prices()
        return fetcher

    def get(self, path: str, timeout: float = 10.0) -> Reply:
        """Ask the web server, `path` below `/api/market-data/` or from the root."""
        url = self.sites[-1].url + (path if path.startswith("/") else API + path)
        began = time.monotonic()
        try:
            with urllib.request.urlopen(url, timeout=timeout) as response:
                return Reply(response.status, response.headers, response.read(), time.monotonic() - began)
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.headers, error.read(), time.monotonic() - began)

    def wait_for_prices(self, status: int = 200, seconds: float = 30.0) -> None:
        wait_until(lambda: self.get("prices").status == status, f"{status} for prices", seconds)

    def outcomes(self) -> dict[str, str]:
        """Return the outcome of every pair as `GET pairs` has it."""
        return {row["pair"]: row["outcome"] for row in self.get("pairs").content["pairs"]}

    def ages_ms(self) -> dict[str, int]:
        """Return the age of every price that a plain reader gets, by the server's clock."""
        reply = self.get("prices")
        now_ms = int(reply.headers["X-Market-Data-Time"])
        records = reply.content if reply.status in (200, 206) else {}
        return {pair: now_ms - record["timestamp"] for pair, record in records.items()}

    def close(self) -> None:
        for fetcher in self.fetchers:
            fetcher.end()
        for site in self.sites:
            site.stop()
        self.client.close()


@contextmanager
def open_hall(folder: Path) -> Iterator[Hall]:
    """Open a hall with a cache and an exchange of its own, two pairs, and nothing else started yet."""
    with RunningSimulator(symbols=200, seed=5) as exchange, EmbeddedCache() as cache:
        running = Hall(folder, exchange, cache, "BTC/USDT,ETH/USDT")
        try:
            yield running
        finally:
            running.close()


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    with open_hall(tmp_path) as running:
        yield running
