"""The app's settings: one declaration each, which loader, system checks, documents and `.env.example` share."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from market_data.conf import parsers as values
from market_data.conf.problems import Problem, Severity, check_id
from market_data.ticker.pairs import quoted, split_pair

CYCLE_MARGIN_MS = 40
"""What a refresh cycle leaves of its interval for writing its report."""

MAX_LEASE_TTL_MS = 10_000
"""A dead fetcher is known as such within 15 s, however long prices live."""

LONGEST_DURATION_MS = 2**31 - 1
"""Twenty-four days; browsers' timers count no further."""


@dataclass(frozen=True)
class Setting:
    """One environment variable: how it is read, what it means, what to write."""

    number: int
    name: str
    default: str
    parse: values.Parser
    description: str
    example: str
    unit: str = ""
    is_secret: bool = False
    """Whether a value is or may hold a password, so that nothing ever repeats it."""

    @property
    def meaning(self) -> str:
        """The description, with the range where the value is a number."""
        return (
            f"{self.description}; {self.parse.limits}"
            if isinstance(self.parse, values.WholeNumber | values.Percentage)
            else self.description
        )

    @property
    def check_id(self) -> str:
        """The id of the check that refuses a value."""
        return check_id(Severity.ERROR, self.number)

    def problem(self, reason: str, given: Any) -> Problem:
        """Return what is wrong with the value that was given, which is quoted unless it is secret."""
        found = "not repeated here, for it may hold a password" if self.is_secret else quoted(given)
        return Problem(
            self.number,
            Severity.ERROR,
            (self.name,),
            f"{self.name}: {reason} (found: {found}).",
            f"Write for example {self.name}={self.example}",
        )


@dataclass(frozen=True)
class MarketDataSettings:
    """The effective values, valid one by one and together. Durations are milliseconds."""

    trading_pairs: tuple[str, ...]
    fetch_interval_ms: int
    cache_ttl_ms: int
    cache_stale_ttl_ms: int
    last_known_ttl_ms: int
    batch_size: int
    max_concurrent_batches: int
    quote_aliases: Mapping[str, str]
    max_pairs_per_request: int
    client_poll_interval_ms: int
    client_stale_threshold_ms: int
    binance_api_base_url: str
    binance_api_fallback_urls: tuple[str, ...]
    exchanges: Mapping[str, tuple[str, ...]]
    kraken_api_base_url: str
    kraken_api_fallback_urls: tuple[str, ...]
    bitstamp_api_base_url: str
    bitstamp_api_fallback_urls: tuple[str, ...]
    alias_tolerance_percent: float
    divergence_percent: float
    cache_alias: str
    snapshot_ms: int
    metrics_folder: str

    @property
    def cycle_deadline_ms(self) -> int:
        """How long a refresh cycle may take, which is also the longest that a request may."""
        return self.fetch_interval_ms - CYCLE_MARGIN_MS

    @property
    def lease_ttl_ms(self) -> int:
        """Life of the fetcher's lease: short enough for a standby to refresh before any key expires."""
        spare_ms = self.cache_ttl_ms - self.fetch_interval_ms - self.cycle_deadline_ms
        return min(MAX_LEASE_TTL_MS, max(2_000, spare_ms // 2))

    @property
    def exchange_names(self) -> tuple[str, ...]:
        """Every exchange that may deliver a pair, the usual order first."""
        return tuple(dict.fromkeys(name for key in ("*", *self.exchanges) for name in self.exchanges[key]))

    def exchanges_of(self, pair: str) -> tuple[str, ...]:
        """Return who may deliver the pair, in order: the most specific key counts."""
        quote = split_pair(pair)[1]
        return next(self.exchanges[key] for key in (pair, quote, "*") if key in self.exchanges)

    def exchange_urls(self, name: str) -> tuple[str, ...]:
        """Return an exchange's hosts in the order in which they are tried."""
        base_url, fallback_urls = getattr(self, f"{name}_api_base_url"), getattr(self, f"{name}_api_fallback_urls")
        return tuple(dict.fromkeys((base_url, *fallback_urls)))


_BINANCE = values.ExchangeAddress("/api/v3", ("binance.com", "binance.vision"))
_KRAKEN = values.ExchangeAddress("/0/public", ("kraken.com",))
_BITSTAMP = values.ExchangeAddress("/api/v2", ("bitstamp.net",))

SETTINGS: Mapping[str, Setting] = {
    "trading_pairs": Setting(
        1, "TRADING_PAIRS", '["BTC/USD","BTC/USDT","ETH/USD","ETH/USDT"]', values.pairs,
        "the pairs to fetch and serve: a JSON list, or a comma-separated one",
        '["BTC/USDT","ETH/USDT"]',
    ),
    "fetch_interval_ms": Setting(
        2, "MARKET_DATA_FETCH_INTERVAL_MS", "4000", values.WholeNumber(2_000, 10_000),
        "time from the start of one refresh cycle to the start of the next", "4000", "ms",
    ),
    "cache_ttl_ms": Setting(
        3, "MARKET_DATA_CACHE_TTL_MS", "15000", values.WholeNumber(1, LONGEST_DURATION_MS),
        "life of `market_data:{pair}`; must exceed the interval; 10000 or more is advised", "15000", "ms",
    ),
    "cache_stale_ttl_ms": Setting(
        4, "MARKET_DATA_CACHE_STALE_TTL_MS", "5000", values.WholeNumber(1, LONGEST_DURATION_MS),
        "a price older than this counts as stale on the server; below the cache TTL", "5000", "ms",
    ),
    "last_known_ttl_ms": Setting(
        5, "MARKET_DATA_LAST_KNOWN_TTL_MS", "86400000", values.WholeNumber(1, LONGEST_DURATION_MS),
        "how long the last known price is kept for readers who ask for it; at least the cache TTL",
        "86400000", "ms",
    ),
    "batch_size": Setting(
        6, "MARKET_DATA_BATCH_SIZE", "10", values.WholeNumber(1, 20),
        "symbols in one request; 21 would cost twenty times as much as 20", "10", "symbols",
    ),
    "max_concurrent_batches": Setting(
        7, "MARKET_DATA_MAX_CONCURRENT_BATCHES", "3", values.WholeNumber(1, 10),
        "requests under way at once", "3", "requests",
    ),
    "quote_aliases": Setting(
        8, "MARKET_DATA_QUOTE_ALIASES", '{"USD":"USDT"}', values.quote_aliases,
        "a pair whose own symbol is not listed is priced in the alias, and says so; `{}` turns it off",
        '{"USD":"USDT"}',
    ),
    "max_pairs_per_request": Setting(
        9, "MARKET_DATA_MAX_PAIRS_PER_REQUEST", "200", values.WholeNumber(1, 5_000),
        "how many pairs a reader may name in one request", "200", "pairs",
    ),
    "client_poll_interval_ms": Setting(
        10, "MARKET_DATA_CLIENT_POLL_INTERVAL_MS", "2000", values.WholeNumber(500, LONGEST_DURATION_MS),
        "how often the page asks for prices", "2000", "ms",
    ),
    "client_stale_threshold_ms": Setting(
        11, "MARKET_DATA_CLIENT_STALE_THRESHOLD_MS", "30000", values.WholeNumber(1_000, LONGEST_DURATION_MS),
        "a price older than this is marked as stale on the page", "30000", "ms",
    ),
    "binance_api_base_url": Setting(
        12, "BINANCE_API_BASE_URL", "https://api.binance.com", _BINANCE,
        "the exchange's address", "https://api.binance.com", is_secret=True,
    ),
    "binance_api_fallback_urls": Setting(
        13, "BINANCE_API_FALLBACK_URLS", '["https://data-api.binance.vision"]', _BINANCE.each,
        "other hosts of the same exchange, tried in this order; `[]` for none",
        '["https://data-api.binance.vision"]', is_secret=True,
    ),
    "exchanges": Setting(
        19, "MARKET_DATA_EXCHANGES", '["binance","kraken","bitstamp"]', values.exchange_orders,
        "who delivers a pair: the first that lists it, the later ones stand by; a map by pair, quote or `*` for "
        "exceptions",
        '["binance","kraken","bitstamp"]',
    ),
    "kraken_api_base_url": Setting(
        20, "KRAKEN_API_BASE_URL", "https://api.kraken.com", _KRAKEN,
        "Kraken's address", "https://api.kraken.com", is_secret=True,
    ),
    "kraken_api_fallback_urls": Setting(
        21, "KRAKEN_API_FALLBACK_URLS", "[]", _KRAKEN.each,
        "other hosts of Kraken, tried in this order", "[]", is_secret=True,
    ),
    "bitstamp_api_base_url": Setting(
        22, "BITSTAMP_API_BASE_URL", "https://www.bitstamp.net", _BITSTAMP,
        "Bitstamp's address", "https://www.bitstamp.net", is_secret=True,
    ),
    "bitstamp_api_fallback_urls": Setting(
        23, "BITSTAMP_API_FALLBACK_URLS", "[]", _BITSTAMP.each,
        "other hosts of Bitstamp, tried in this order", "[]", is_secret=True,
    ),
    "alias_tolerance_percent": Setting(
        24, "MARKET_DATA_ALIAS_TOLERANCE_PERCENT", "0.5", values.Percentage(),
        "`health` is degraded while a pair is priced in an alias that is worth more or less than its asset by more "
        "than this",
        "0.5", "%",
    ),
    "divergence_percent": Setting(
        25, "MARKET_DATA_DIVERGENCE_PERCENT", "1", values.Percentage(),
        "`health` is degraded while two exchanges that priced a pair in one cycle differ by more than this",
        "1", "%",
    ),
    "cache_alias": Setting(
        14, "MARKET_DATA_CACHE_ALIAS", "default", values.text,
        "the entry of Django's `CACHES` that names the Redis server, with django-redis' client; best one of its own",
        "market_data",
    ),
    "snapshot_ms": Setting(
        17, "MARKET_DATA_SNAPSHOT_MS", "250", values.WholeNumber(0, 250),
        "for how long a web process answers `prices` from one read of Redis; `0` reads it for every request",
        "250", "ms",
    ),
    "metrics_folder": Setting(
        18, "MARKET_DATA_METRICS_FOLDER", "", values.folder,
        "the folder in which the workers of one web server add up what they have served, for `/metrics`; "
        "`deploy/web-server` makes one, and without one each worker tells its own",
        "/run/nexusmeme-metrics",
    ),
}  # fmt: skip

if set(SETTINGS) != {field.name for field in fields(MarketDataSettings)}:
    raise TypeError("every field of MarketDataSettings needs its declaration in SETTINGS, and the reverse")
