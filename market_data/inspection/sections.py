"""What is reported of fetcher, lease, circuit breaker, rate limit and exchange, fact by fact. Pure."""

from collections import Counter
from collections.abc import Sequence

from market_data.conf.declarations import MarketDataSettings
from market_data.inspection.facts import Fact, Section, plain
from market_data.inspection.words import NOTHING, duration_text, instant_text, listed
from market_data.ticker.source import Source
from market_data.ticker_cache.clock import ClockStatus
from market_data.ticker_cache.server import CacheLives
from market_data.ticker_cache.status import (
    BackoffStatus,
    CircuitStatus,
    ExchangeReport,
    ExchangeStatus,
    FetcherReading,
    FetcherStatus,
    FetchStats,
    RateLimitStatus,
)

MAIN_EXCHANGE_KEYS = ("circuitBreaker", "rateLimit", "exchange")
"""The sections about the exchange that delivers most pairs."""


def write_side_sections(
    fetcher: FetcherReading, lives: CacheLives, holder: str | None, now_ms: int, settings: MarketDataSettings
) -> Sequence[Section]:
    """Return the sections about the process that fetches; `holder` names it."""
    status = fetcher.status
    rate_limit = status.rate_limit if status else RateLimitStatus()
    exchange, names = (status.exchange, status.by_exchange()) if status else (ExchangeStatus(), ("binance",))
    return (
        Section("fetcher", "Fetcher", _fetcher(fetcher, now_ms, settings)),
        Section("lease", "Lease", _lease(fetcher, lives, holder)),
        Section("circuitBreaker", "Circuit breaker", _breaker(status, now_ms)),
        Section("rateLimit", "Rate limit", _rate_limit(rate_limit, now_ms)),
        Section("exchange", "Exchange", _exchange(next(iter(names)), exchange, now_ms)),
    )


def exchange_sections(status: FetcherStatus | None, now_ms: int) -> Sequence[Section]:
    """Return a section for each exchange of the report."""
    if status is None:
        return ()
    delivered = Counter(pair.exchange for pair in status.pairs.values())
    return [
        Section(name, name.capitalize(), _of_exchange(name, report, delivered[name], now_ms))
        for name, report in status.by_exchange().items()
    ]


def _of_exchange(name: str, report: ExchangeReport, delivered: int, now_ms: int) -> list[Fact]:
    circuit, limit, exchange = report.circuit_breaker, report.rate_limit, report.exchange
    is_still, is_failing = exchange.still_since is not None, exchange.fault is not None
    return [
        plain("pairs", "Pairs delivered", delivered),
        Fact("circuit", "Circuit", circuit.state, circuit.state.replace("_", "-"), circuit.state != "closed"),
        _instant("nextProbeAt", "Next probe", circuit.retry_at, now_ms),
        plain("usedWeight", "Request weight used in its minute", limit.used_weight),
        plain("limit", "Limit a minute", limit.limit),
        _instant("waitingUntil", "Waiting until", limit.retry_at, now_ms),
        *_exchange(name, exchange, now_ms),
        _instant("stillSince", "Prices stand still since", exchange.still_since, now_ms, is_trouble=is_still),
        plain("fault", "No prices", exchange.fault, is_trouble=is_failing),
    ]


def clock_section(status: FetcherStatus | None, own_clock: ClockStatus) -> Section:
    """Return how far the clocks of the fetcher's host and of this one are from Redis', which counts for all ages."""
    return Section(
        "clocks",
        "Clocks",
        [
            _clock("fetcher", "Fetcher's host", status.clock if status else ClockStatus()),
            _clock("here", "This host", own_clock),
        ],
    )


def _clock(key: str, label: str, clock: ClockStatus) -> Fact:
    if clock.ahead_ms is None:
        return Fact(key, label, None, NOTHING, clock.fault is not None)
    way = "ahead of Redis" if clock.ahead_ms > 0 else "behind Redis"
    text = f"{clock.host}, {duration_text(abs(clock.ahead_ms))} {way}" if clock.fault else f"{clock.host}, right"
    return Fact(key, label, clock.ahead_ms, text, clock.fault is not None)


def _fetcher(fetcher: FetcherReading, now_ms: int, settings: MarketDataSettings) -> list[Fact]:
    status = fetcher.status
    stats = status.stats if status else FetchStats()
    backoff = status.backoff if status else BackoffStatus()
    took_ms, failures = stats.last_fetch_duration_ms, backoff.failures_in_a_row
    return [
        Fact("isRunning", "Running", fetcher.is_running, "yes" if fetcher.is_running else "no", not fetcher.is_running),
        _instant("startedAt", "Started", status.started_at if status else None, now_ms),
        _instant("heartbeatAt", "Last report", status.heartbeat_at if status else None, now_ms),
        _instant("lastFetchTime", "Last price received", stats.last_fetch_time, now_ms),
        Fact("lastFetchDurationMs", "It took", took_ms, NOTHING if took_ms is None else duration_text(took_ms)),
        plain("fetchAttempts", "Refresh cycles", stats.fetch_attempts),
        plain("fetchSuccesses", "Successful", stats.fetch_successes),
        plain("fetchErrors", "Failed", stats.fetch_errors),
        plain("lastError", "Last error", stats.last_error, is_trouble=stats.last_error is not None),
        plain("failuresInARow", "Failures in a row", failures, is_trouble=failures > 0),
        _instant("nextCycleAt", "Next cycle", backoff.next_cycle_at, now_ms),
        *_differences(status, settings),
    ]


def _differences(status: FetcherStatus | None, settings: MarketDataSettings) -> list[Fact]:
    """Return how the fetcher's configuration differs from this process's, where it does."""
    if status is None:
        return []
    differences = []
    if status.interval_ms != settings.fetch_interval_ms:
        differences.append(f"its interval is {status.interval_ms} ms, here it is {settings.fetch_interval_ms} ms")
    unknown = [pair for pair in settings.trading_pairs if pair not in status.pairs] if status.pairs else []
    if unknown:
        differences.append(f"it does not fetch {listed(unknown)}")
    text = "; ".join(differences)
    return [Fact("differences", "Configured otherwise", text, text, is_trouble=True)] if differences else []


def _lease(fetcher: FetcherReading, lives: CacheLives, holder: str | None) -> list[Fact]:
    left_ms = lives.lease_ms
    return [
        Fact("isHeld", "Held", fetcher.is_running, "yes" if fetcher.is_running else "no", not fetcher.is_running),
        plain("holder", "Holder (host:process)", holder),
        Fact("lifeMs", "Time to live", left_ms, NOTHING if left_ms is None else duration_text(left_ms)),
    ]


def _breaker(status: FetcherStatus | None, now_ms: int) -> list[Fact]:
    breaker = status.circuit_breaker if status else CircuitStatus()
    is_closed = breaker.state == "closed"
    return [
        Fact("state", "State", breaker.state, breaker.state.replace("_", "-"), not is_closed),
        plain("consecutiveFailures", "Failures in a row", breaker.consecutive_failures),
        _instant("retryAt", "Next probe", breaker.retry_at, now_ms),
    ]


def _rate_limit(rate_limit: RateLimitStatus, now_ms: int) -> list[Fact]:
    used, limit, intervals = rate_limit.used_weight, rate_limit.limit, rate_limit.intervals_per_cycle
    is_waiting = rate_limit.retry_at is not None and rate_limit.retry_at > now_ms
    return [
        plain("usedWeight", "Request weight used in its minute", used),
        plain("limit", "Limit a minute", limit),
        plain("intervalsPerCycle", "Intervals from cycle to cycle", intervals, is_trouble=intervals > 1),
        _instant("retryAt", "Waiting until", rate_limit.retry_at, now_ms, is_trouble=is_waiting),
    ]


def _exchange(name: str, exchange: ExchangeStatus, now_ms: int) -> list[Fact]:
    is_banned = exchange.banned_until is not None and exchange.banned_until > now_ms
    is_simulated = exchange.source == Source.SIMULATOR
    source = {Source.SIMULATOR.value: "SIMULATED prices", Source.LIVE.value: name.capitalize()}.get(exchange.source)
    return [
        plain("host", "Host", exchange.host),
        Fact("source", "Source", exchange.source, source or exchange.source, is_simulated),
        _instant("bannedUntil", "Banned until", exchange.banned_until, now_ms, is_trouble=is_banned),
        _instant("symbolsLoadedAt", "List of symbols loaded", exchange.symbols_loaded_at, now_ms),
        plain(
            "symbolsError", "Loading it fails", exchange.symbols_error, is_trouble=exchange.symbols_error is not None
        ),
    ]


def _instant(key: str, label: str, instant_ms: int | None, now_ms: int, *, is_trouble: bool = False) -> Fact:
    return Fact(key, label, instant_ms, instant_text(instant_ms, now_ms), is_trouble)
