"""What the page's tests run against: the real web server, and a real cache with prices that a test writes."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import redis

from market_data.ticker.outcome import PairOutcome
from market_data.ticker.pairs import split_pair
from market_data.ticker.record import TickerRecord
from market_data.ticker_cache.status import (
    CircuitStatus,
    ExchangeReport,
    ExchangeStatus,
    FetcherStatus,
    FetchStats,
    PairStatus,
    RateLimitStatus,
)
from tests.process_facts import wait_until

REPOSITORY = Path(__file__).resolve().parents[1]
START_DEADLINE_SECONDS = 60
PAIRS = ("BTC/USDT", "ETH/USDT", "SHIB/USDT", "BTC/USD")
PRICES = {
    "BTC/USDT": ("43250.00000000", "2.500", "42900.00000000", "43500.00000000", "28500.50000000"),
    "ETH/USDT": ("2301.15000000", "-1.204", "2280.00000000", "2344.40000000", "412333.17000000"),
    "SHIB/USDT": ("0.00001234", "0.000", "0.00001201", "0.00001299", "1082448588.00"),
    "BTC/USD": ("43250.00000000", "2.500", "42900.00000000", "43500.00000000", "28500.50000000"),
    "SOL/USDT": ("101.24000000", "5.316", "95.80000000", "103.77000000", "3120455.32000000"),
    "DOGE/USDT": ("0.08231000", "-3.027", "0.08190000", "0.08640000", "915204113.00000000"),
    "PEPE/USDT": ("0.00000121", "-7.634", "0.00000118", "0.00000134", "9120448112207.00000000"),
    "XRP/USDT": ("0.52310000", "0.412", "0.51520000", "0.52790000", "154220913.40000000"),
}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def record(pair: str, *, age_ms: int = 0, price: str | None = None, exchange: str | None = "binance") -> TickerRecord:
    """Return a record of one of `PRICES`; other pairs look like the first."""
    last, change, low, high, volume = PRICES.get(pair, PRICES["BTC/USDT"])
    return TickerRecord(
        pair=pair,
        price=Decimal(price or last),
        volume=Decimal(volume),
        received_at_ms=now_ms() - age_ms,
        change_24h_percent=Decimal(change),
        high_24h=Decimal(high),
        low_24h=Decimal(low),
        exchange=exchange,
    )


def fetcher_status(pairs: Sequence[str], *, last_error: str | None = None, interval_ms: int = 4000) -> FetcherStatus:
    """Return a fetcher's report in which pairs quoted in USD are priced in USDT."""
    now = now_ms()
    statuses = {}
    for pair in pairs:
        base, quote = split_pair(pair)
        is_alias = quote == "USD"
        quote = "USDT" if is_alias else quote
        statuses[pair] = PairStatus(base + quote, base, quote, is_alias, PairOutcome.OK)
    return FetcherStatus(
        started_at=now,
        heartbeat_at=now,
        interval_ms=interval_ms,
        stats=FetchStats(last_error=last_error),
        circuit_breaker=CircuitStatus(),
        rate_limit=RateLimitStatus(),
        exchange=ExchangeStatus(),
        pairs=statuses,
    )


def report_of_three_exchanges(pairs: Sequence[str] = PAIRS) -> FetcherStatus:
    """Return a report of a time at which Binance refuses this address, and Bitstamp's prices stand still.

    Kraken delivers what is quoted in USDT, and says what that is worth where it stands in for USD.
    """
    blocked = ExchangeReport(
        CircuitStatus("open", 3, now_ms() + 9_000), exchange=ExchangeStatus(fault="api.binance.com answered 451")
    )
    still = ExchangeReport(exchange=ExchangeStatus(still_since=1_700_000_000_000))
    status = fetcher_status(pairs)
    changes = {
        True: {"alias_rate": Decimal("0.99910000"), "alias_rate_exchange": "bitstamp"},
        False: {
            "symbol": "XBT/USDT",
            "exchange": "kraken",
            "instead_of": "binance",
            "standing_by": ("binance", "bitstamp"),
        },
    }
    return msgspec.structs.replace(
        status,
        exchanges={"binance": blocked, "kraken": ExchangeReport(rate_limit=RateLimitStatus(3, 60)), "bitstamp": still},
        pairs={pair: msgspec.structs.replace(one, **changes[one.is_quote_alias]) for pair, one in status.pairs.items()},
    )


class PriceKeys:
    """Writes the cache contract's keys as a fetcher does, with lives as long as a test needs them."""

    def __init__(self, client: redis.Redis, fetch_interval_ms: int = 4000) -> None:
        self.client = client
        self._fetch_interval_ms = fetch_interval_ms

    def write(
        self,
        *pairs: str,
        age_ms: int = 0,
        price: str | None = None,
        is_current: bool = True,
        exchange: str | None = "binance",
    ) -> None:
        """Write the records of `pairs`, as current and last known prices, or as the last known ones only."""
        for pair in pairs:
            text = record(pair, age_ms=age_ms, price=price, exchange=exchange).encode()
            self.client.set(f"market_data_last:{pair}", text)
            if is_current:
                self.client.set(f"market_data:{pair}", text)

    def write_history(self, pair: str, points: Sequence[tuple[int, str]], exchange: str = "binance") -> None:
        """Write a pair's points, `(age in ms, price)`, oldest first, as if that much time had passed since."""
        self.client.delete(f"market_data_history:{pair}")
        self.add_history(pair, points, exchange)

    def add_history(self, pair: str, points: Sequence[tuple[int, str]], exchange: str = "binance") -> None:
        """Write more points after those that there are."""
        now = now_ms()
        if points:
            texts = (f'[{now - age_ms},{price},"{exchange}"]' for age_ms, price in points)
            self.client.rpush(f"market_data_history:{pair}", *texts)

    def expire(self, *pairs: str) -> None:
        """Drop the current prices; the last known ones stay."""
        self.client.delete(*(f"market_data:{pair}" for pair in pairs))

    def report(self, pairs: Sequence[str], *, last_error: str | None = None, is_running: bool = True) -> None:
        status = fetcher_status(pairs, last_error=last_error, interval_ms=self._fetch_interval_ms)
        self.client.set("market_data_fetcher:status", msgspec.json.encode(status))
        if is_running:
            self.client.set("market_data_fetcher:lease", "token-of-a-test")

    def write_report(self, status: FetcherStatus) -> None:
        """Write the report of a fetcher that runs."""
        self.client.set("market_data_fetcher:status", status.encode())
        self.client.set("market_data_fetcher:lease", "token-of-a-test")

    def set_source(self, source: str) -> None:
        self.client.set("market_data_fetcher:source", source)


class WebSite:
    """The web server on a free port, which it keeps when it is started again."""

    def __init__(self, redis_url: str, environment: Mapping[str, str] | None = None) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("MARKET_", "BINANCE_"))},
            "DJANGO_SETTINGS_MODULE": "nexusmeme.settings",
            "ENV_FILE": os.devnull,
            "REDIS_URL": redis_url,
            "DEBUG": "true",
            "TRADING_PAIRS": ",".join(PAIRS),
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def command(self) -> list[str]:
        """Return what starts the server: one worker, or what another kind of site has instead."""
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "1"]
        return [*command, "--host", "127.0.0.1", "--port", str(self.port), "nexusmeme.wsgi:application"]

    def start(self) -> "WebSite":
        self._process = subprocess.Popen(
            self.command(), cwd=REPOSITORY, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers, "the web server's first answer", START_DEADLINE_SECONDS)
        return self

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(START_DEADLINE_SECONDS)
            self._process = None

    def wait(self) -> int:
        """Wait for its end, which somebody else has brought about, and return the exit code."""
        assert self._process is not None
        return self._process.wait(START_DEADLINE_SECONDS)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the web server has ended at its start"
        try:
            urllib.request.urlopen(f"{self.url}/api/market-data/health", timeout=1).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


def migrated_database(folder: Path, user: str | None = None, password: str = "") -> str:
    """Return the address of a new database for the admin, with one user where a name is given."""
    url = f"sqlite:///{folder}/db.sqlite3"
    commands = [["migrate"]]
    if user:
        commands.append(["createsuperuser", "--noinput", "--username", user, "--email", "user@example.org"])
    variables = {"DJANGO_SETTINGS_MODULE": "nexusmeme.settings", "ENV_FILE": os.devnull, "SECRET_KEY": "for-tests-only"}
    for command in commands:
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], **variables, "DATABASE_URL": url, "DJANGO_SUPERUSER_PASSWORD": password},
            check=True,
            capture_output=True,
        )
    return url


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
