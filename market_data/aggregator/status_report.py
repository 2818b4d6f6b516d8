"""The aggregator's state in the form that every process reads."""

from market_data.aggregator.refresh_cycle import AggregatorParts
from market_data.exchanges.circuit_breaker import CircuitState
from market_data.ticker_cache.status import CircuitStatus, ExchangeStatus, RateLimitStatus


def aggregator_status(parts: AggregatorParts) -> tuple[CircuitStatus, RateLimitStatus, ExchangeStatus]:
    """Return breaker, rate limit and exchange, waits as instants in Unix ms."""
    now_ms = parts.now_ms()
    breaker = parts.breaker.snapshot()
    weight = parts.gateway.budget.snapshot()
    waits = parts.gateway.pause.snapshot()

    def instant(seconds_from_now: float) -> int | None:
        return now_ms + round(seconds_from_now * 1000) if seconds_from_now > 0 else None

    return (
        CircuitStatus(
            state=breaker.state.value,
            consecutive_failures=breaker.consecutive_failures,
            retry_at=instant(breaker.retry_after_seconds) if breaker.state is CircuitState.OPEN else None,
        ),
        RateLimitStatus(
            used_weight=weight.used,
            limit=weight.limit,
            retry_at=instant(max(waits.rate_limit_seconds, weight.retry_after_seconds)),
            intervals_per_cycle=parts.gateway.budget.cycles_per_refresh() or 1,
        ),
        ExchangeStatus(
            host=parts.gateway.host,
            source=parts.gateway.source,
            banned_until=instant(waits.ban_seconds),
            symbols_loaded_at=parts.symbols.loaded_at_ms,
            symbols_error=parts.symbols.error,
        ),
    )
