"""Stand-ins for what tests do not own or must steer: time, the exchange, and Redis behind `TickerCache`'s methods."""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import unquote

from market_data.aggregator.arrivals import Start
from market_data.aggregator.service import MarketDataAggregator
from market_data.aggregator.wiring import build_aggregator, build_gateway
from market_data.conf.declarations import MarketDataSettings
from market_data.conf.loading import load
from market_data.exchanges.backoff import ExponentialBackoff
from market_data.exchanges.binance.exchange import Binance
from market_data.exchanges.gateway import ExchangeGateway
from market_data.exchanges.response import HttpResponse
from market_data.ticker.clock import Clock
from market_data.ticker.record import StoredTicker, TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache.errors import CacheUnavailableError, LeaseLostError
from market_data.ticker_cache.history import MAX_POINTS
from market_data.ticker_cache.lease import LeaseReading
from market_data.ticker_cache.prices import CacheReading
from market_data.ticker_cache.status import FetcherReading, FetcherStatus

HOST = "https://exchange.test"
FALLBACK = "https://fallback.test"
ONE_HOST = {"BINANCE_API_BASE_URL": HOST, "BINANCE_API_FALLBACK_URLS": "[]"}
UNIX_TIME_AT_START_MS = 1_700_000_000_000


def app_settings(**values: str) -> MarketDataSettings:
    """Return the app's settings with these variables set, the defaults for the others, and Binance alone.

    Several exchanges are what `tests/integration/test_several_exchanges.py` and the tests of routing are about.
    """
    settings = load({"MARKET_DATA_EXCHANGES": '["binance"]', **values}.get).settings
    assert settings is not None, values
    return settings


class MovableClock:
    """Time that stands still until a test, or a fake that takes its time, moves it."""

    def __init__(self, seconds: float = 1000.0) -> None:
        self._began_at = self._seconds = seconds
        self.wall_clock_error_ms = 0

    def monotonic(self) -> float:
        return self._seconds

    def now_ms(self) -> int:
        return self.at_ms(self._seconds)

    def at_ms(self, instant: float) -> int:
        elapsed_ms = round((instant - self._began_at) * 1000)
        return UNIX_TIME_AT_START_MS + elapsed_ms + self.wall_clock_error_ms

    def advance(self, seconds: float) -> None:
        self._seconds += seconds

    sleep = advance


def row(symbol: str, **changes: object) -> dict[str, object]:
    """Return a row of `ticker/24hr` as the exchange writes it, as far as anybody reads it."""
    return {
        "symbol": symbol,
        "lastPrice": "43250.10000000",
        "priceChangePercent": "2.500",
        "highPrice": "43500.00000000",
        "lowPrice": "42900.00000000",
        "volume": "28500.50000000",
        "bidPrice": "43250.00000000",
        "askPrice": "43250.20000000",
        "closeTime": UNIX_TIME_AT_START_MS - 5000,
        "firstId": 17,
        **changes,
    }


def listed(symbol: str, base: str, quote: str, status: str = "TRADING") -> dict[str, str]:
    """Return a symbol of `exchangeInfo`."""
    return {"symbol": symbol, "status": status, "baseAsset": base, "quoteAsset": quote}


USUAL_SYMBOLS = (listed("BTCUSDT", "BTC", "USDT"), listed("ETHUSDT", "ETH", "USDT"))

Reaction = Callable[[str, str], HttpResponse]
"""From base URL and path with query to an answer; may raise an `ExchangeError` or move the clock."""


class FakeExchange:
    """An `HttpGet` that knows its listed symbols and refuses others; `reaction` replaces its answers."""

    def __init__(self, clock: MovableClock, symbols: Sequence[Mapping[str, str]] = USUAL_SYMBOLS) -> None:
        self._clock = clock
        self.symbols = {symbol["symbol"]: symbol for symbol in symbols}
        self.reaction: Reaction = self.usual
        self.headers: dict[str, str] = {}
        self.rows: dict[str, dict[str, object] | None] = {}
        """Rows other than the usual one, None for a row that is left out."""
        self.requests: list[tuple[str, str]] = []
        self.cancellations = 0

    def get(self, base_url: str, path_and_query: str, *, deadline: float, max_bytes: int) -> HttpResponse:
        self.requests.append((base_url, unquote(path_and_query)))
        return self.reaction(base_url, path_and_query)

    def cancel_all(self) -> None:
        self.cancellations += 1

    @property
    def batches(self) -> list[tuple[str, ...]]:
        """The symbols of every request for tickers so far."""
        queries = (path.partition("symbols=")[2] for _, path in self.requests if "/ticker/24hr" in path)
        return [tuple(json.loads(query)) for query in queries if query]

    @property
    def market_requests(self) -> int:
        """How many requests were for the tickers of the whole market."""
        return sum(path.endswith("/ticker/24hr?symbolStatus=TRADING") for _, path in self.requests)

    @property
    def list_requests(self) -> int:
        return sum("/exchangeInfo" in path for _, path in self.requests)

    def usual(self, base_url: str, path_and_query: str) -> HttpResponse:
        query = unquote(path_and_query.partition("symbols=")[2])
        names = json.loads(query) if query else list(self.symbols)
        if not set(names) <= set(self.symbols):
            return self.answer({"code": -1121, "msg": "Invalid symbol."}, status=400, base_url=base_url)
        if "/exchangeInfo" in path_and_query:
            return self.answer({"symbols": [self.symbols[name] for name in names]}, base_url=base_url)
        if not query:
            names = [name for name in names if self.symbols[name]["status"] == "TRADING"]
        rows = (self.rows.get(name, row(name)) for name in names)
        return self.answer([present for present in rows if present is not None], base_url=base_url)

    def answer(self, content: object, status: int = 200, *, base_url: str = HOST, **headers: str) -> HttpResponse:
        """Return an answer that is complete now; `headers` with underscores for hyphens."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return HttpResponse(base_url, status, {**self.headers, **names}, body, self._clock.now_ms())


class MemoryTickerCache:
    """`TickerCache`'s methods over plain dicts, with lives that follow the test's clock."""

    def __init__(self, clock: MovableClock, cache_ttl_ms: int = 15_000) -> None:
        self._clock = clock
        self._cache_ttl_ms = cache_ttl_ms
        self._lock = threading.Lock()
        self._lease: tuple[str, float] | None = None
        self._released_by: str | None = None
        self._prices: dict[str, tuple[bytes, float]] = {}
        self.address = "redis://cache.test:6379/0"
        self.status: FetcherStatus | None = None
        self.source = Source.BINANCE
        self.is_away = False
        self.refuses_status = False
        self.refuses_history = False
        self.history: deque[tuple[Source, list[TickerRecord]]] = deque(maxlen=MAX_POINTS)
        """The last writes of history, each as it was asked for."""
        self.writes: deque[int] = deque(maxlen=MAX_POINTS)
        """How many prices each of the last writes had."""
        self.renewals = 0
        self.statuses: list[tuple[float, FetcherStatus]] = []

    def give_lease_to(self, token: str, seconds: float) -> None:
        self._lease = (token, self._clock.monotonic() + seconds)

    def lease_holder(self) -> str | None:
        self._check_reachable()
        if self._lease is None or self._lease[1] <= self._clock.monotonic():
            return None
        return self._lease[0]

    def lose_lease(self) -> None:
        """Forget the lease, as a server that was restarted empty does."""
        self._lease = None

    def read_lease(self) -> LeaseReading:
        holder = self.lease_holder()
        remaining_ms = round((self._lease[1] - self._clock.monotonic()) * 1000) if holder and self._lease else 0
        return LeaseReading(holder, remaining_ms, self._released_by)

    def acquire_lease(self, token: str, ttl_ms: int) -> bool:
        with self._lock:
            if self.lease_holder() is None:
                self.give_lease_to(token, ttl_ms / 1000)
            return self.lease_holder() == token

    def renew_lease(self, token: str, ttl_ms: int) -> None:
        self._check_held(token)
        self.give_lease_to(token, ttl_ms / 1000)
        self.renewals += 1

    def release_lease(self, token: str) -> None:
        self._check_held(token)
        self._lease, self._released_by = None, token

    def read(self, pairs: Sequence[str], *, include_last_known: bool = False) -> CacheReading:
        self._check_reachable()
        now = self._clock.monotonic()
        raw = {pair: self._prices[pair][0] for pair in pairs if pair in self._prices and self._prices[pair][1] > now}
        current = {pair: StoredTicker.from_raw(pair, value) for pair, value in raw.items()}
        return CacheReading({pair: ticker for pair, ticker in current.items() if ticker}, {}, self.source)

    def read_fetcher(self) -> FetcherReading:
        return FetcherReading(self.status, self.lease_holder() is not None, self.source)

    def write_tickers(self, token: str, records: Sequence[TickerRecord], source: Source) -> None:
        self._check_held(token)
        self.source = source
        self.writes.append(len(records))
        for record in records:
            age_ms = max(0, self._clock.now_ms() - record.received_at_ms)
            life_seconds = (self._cache_ttl_ms - age_ms) / 1000
            self._prices[record.pair] = (record.encode(), self._clock.monotonic() + life_seconds)

    def write_history(self, token: str, records: Sequence[TickerRecord], source: Source) -> None:
        self._check_held(token)
        if self.refuses_history:
            raise CacheUnavailableError("Redis is out of memory")
        self.history.append((source, list(records)))

    def write_status(self, token: str, status: FetcherStatus) -> None:
        self._check_held(token)
        if self.refuses_status:
            raise CacheUnavailableError("Redis is out of memory")
        self.status = status
        self.statuses.append((self._clock.monotonic(), status))

    def _check_reachable(self) -> None:
        if self.is_away:
            raise CacheUnavailableError("no connection to Redis")

    def _check_held(self, token: str) -> None:
        if self.lease_holder() != token:
            raise LeaseLostError("the lease belongs to another fetcher, or to none")


def backoff(base_seconds: float = 2.0, cap_seconds: float = 24.0, jitter: float = 0.0) -> ExponentialBackoff:
    """Return a backoff whose chance is fixed: 0 for the whole wait, near 1 for the shortest."""
    return ExponentialBackoff(base_seconds, cap_seconds, lambda: jitter)


def clock_of(clock: MovableClock) -> Clock:
    return Clock(clock.monotonic, clock.now_ms, clock.sleep)


def gateway_of(
    clock: MovableClock, exchange: FakeExchange, *, urls: Sequence[str] = (HOST,), max_concurrent: int = 3
) -> ExchangeGateway:
    """Return the real gateway around a fake exchange."""
    settings = app_settings(MARKET_DATA_MAX_CONCURRENT_BATCHES=str(max_concurrent))
    return build_gateway(settings, Binance(), tuple(urls), clock=clock_of(clock), chance=lambda: 0.0, http=exchange)


class FinishedJob:
    """What a job is that was done when it was started."""

    def is_alive(self) -> bool:
        return False

    def join(self, timeout: float | None = None) -> None:
        """Nothing is left to wait for."""


def at_once(job: Callable[[], None]) -> FinishedJob:
    """Do the job instead of starting a thread for it, so that simulated time passes in one order only."""
    job()
    return FinishedJob()


def aggregator_of(
    clock: MovableClock,
    exchange: FakeExchange,
    cache: MemoryTickerCache,
    settings: MarketDataSettings,
    token: str,
    start_request: Start = at_once,
) -> MarketDataAggregator:
    """Return the real aggregator between a fake exchange and a fake cache, in the test's time and without chance."""
    return build_aggregator(
        settings,
        cache,  # type: ignore[arg-type]
        token,
        clock=clock_of(clock),
        chance=lambda: 0.0,
        http=exchange,
        start_request=start_request,
        start_listing=at_once,
    )
