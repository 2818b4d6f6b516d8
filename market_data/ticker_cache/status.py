"""What the fetcher tells every other process through Redis: one JSON text, written after each refresh cycle."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from market_data.ticker.source import Source
from market_data.ticker_cache import scripts
from market_data.ticker_cache.clock import ClockStatus
from market_data.ticker_cache.keys import LEASE_KEY, SOURCE_KEY, STATUS_KEY, STATUS_TTL_MS
from market_data.ticker_cache.store import Store


class PairStatus(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A configured pair as the exchange that delivers it knows it, and the outcome of its last refresh.

    `outcome` is the text of a `PairOutcome`, or one that only a newer version knows. `instead_of` is the exchange that
    should deliver the pair, where another one does. `alias_rate` is what one unit of the alias costs in the pair's own
    quote asset at `alias_rate_exchange`. `difference_percent` is how far the price at `compared_with` lies above it.
    """

    symbol: str | None
    base_asset: str
    quote_asset: str
    is_quote_alias: bool
    outcome: str | None
    exchange: str | None = "binance"
    standing_by: tuple[str, ...] = ()
    instead_of: str | None = None
    alias_rate: Decimal | None = None
    alias_rate_exchange: str | None = None
    compared_with: str | None = None
    difference_percent: Decimal | None = None


class FetchStats(msgspec.Struct, frozen=True, rename="camel"):
    """Counts of refresh cycles since the fetcher took over from another one; times are Unix ms, durations ms."""

    last_fetch_time: int | None = None
    last_fetch_duration_ms: int | None = None
    fetch_attempts: int = 0
    fetch_successes: int = 0
    fetch_errors: int = 0
    last_error: str | None = None


class CircuitStatus(msgspec.Struct, frozen=True, rename="camel"):
    """The circuit breaker: `closed`, `open` or `half_open`; `retry_at` in Unix ms while it is open."""

    state: str = "closed"
    consecutive_failures: int = 0
    retry_at: int | None = None


class RateLimitStatus(msgspec.Struct, frozen=True, rename="camel"):
    """Request weight of the current minute as the exchange counts it; `retry_at` in Unix ms while waiting.

    `intervals_per_cycle` is above 1 while cycles are rarer, because the limit is near.
    """

    used_weight: int | None = None
    limit: int | None = None
    retry_at: int | None = None
    intervals_per_cycle: int = 1


class ExchangeStatus(msgspec.Struct, frozen=True, rename="camel"):
    """Host in use, end of a ban, when its list of symbols came, since when its prices stand still; Unix ms.

    `fault` is what is wrong with the host in use, where no other one answers. `source` is the text of a `Source`, or
    one that only a newer version knows.
    """

    host: str | None = None
    source: str = Source.BINANCE.value
    banned_until: int | None = None
    symbols_loaded_at: int | None = None
    symbols_error: str | None = None
    still_since: int | None = None
    fault: str | None = None


class ExchangeReport(msgspec.Struct, frozen=True, rename="camel"):
    """One exchange as the aggregator sees it."""

    circuit_breaker: CircuitStatus = CircuitStatus()
    rate_limit: RateLimitStatus = RateLimitStatus()
    exchange: ExchangeStatus = ExchangeStatus()


class BackoffStatus(msgspec.Struct, frozen=True, rename="camel"):
    """How failed cycles make the next one wait: failures in a row, and the next cycle's start in Unix ms."""

    failures_in_a_row: int = 0
    next_cycle_at: int | None = None


class FetcherStatus(msgspec.Struct, frozen=True, rename="camel"):
    """Everything that a fetcher reports; `heartbeat_at` is the Unix ms of the report.

    Fetchers and readers of several versions run side by side. A new field has a default, and whatever a reader does
    not know it ignores.
    """

    started_at: int
    heartbeat_at: int
    interval_ms: int
    stats: FetchStats
    circuit_breaker: CircuitStatus
    rate_limit: RateLimitStatus
    exchange: ExchangeStatus
    pairs: dict[str, PairStatus]
    backoff: BackoffStatus = BackoffStatus()
    clock: ClockStatus = ClockStatus()
    exchanges: dict[str, ExchangeReport] = {}

    def by_exchange(self) -> Mapping[str, ExchangeReport]:
        """Return a report for each exchange; an earlier version knew Binance alone."""
        return self.exchanges or {"binance": ExchangeReport(self.circuit_breaker, self.rate_limit, self.exchange)}

    def encode(self) -> bytes:
        """Return the status as JSON text."""
        return _encoder.encode(self)

    @classmethod
    def decode(cls, raw: bytes | None) -> "FetcherStatus | None":
        """Return the status, or None where the bytes are none of this version's."""
        if raw is None:
            return None
        try:
            return _decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(FetcherStatus)


@dataclass(frozen=True, slots=True)
class FetcherReading:
    """The last report of a fetcher and whether one is alive: the lease outlives it by seconds only."""

    status: FetcherStatus | None
    is_running: bool
    source: Source
    lease_token: str | None = None


class StatusStore(Store):
    """Reads and replaces the fetcher's report."""

    def read_fetcher(self) -> FetcherReading:
        """Return the last report of a fetcher and whether one is alive."""
        ((status, lease, source),) = self._connection.read(("MGET", STATUS_KEY, LEASE_KEY, SOURCE_KEY))
        token = None if lease is None else lease.decode(errors="replace")
        return FetcherReading(FetcherStatus.decode(status), token is not None, self._remembered_source(source), token)

    def write_status(self, token: str, status: FetcherStatus) -> None:
        """Replace the fetcher's report, and name its source where none is named yet; raise `LeaseLostError`.

        What the report says of the host's clock is added here, where that is known.
        """
        text = msgspec.structs.replace(status, clock=self.clock.status()).encode()
        ttl_ms = max(STATUS_TTL_MS, (status.exchange.banned_until or 0) - status.heartbeat_at)
        keys = [LEASE_KEY, STATUS_KEY, SOURCE_KEY]
        source = status.exchange.source
        self._connection.run(scripts.WRITE_STATUS, keys, [token, text, ttl_ms, source, self._source_ttl_ms])
