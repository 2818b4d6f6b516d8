"""What a fetcher's report says of its exchanges, in sentences: what is wrong with each, which prices to doubt. Pure."""

from collections.abc import Mapping
from decimal import Decimal

from market_data.conf.declarations import MarketDataSettings
from market_data.inspection.words import listed, utc_text
from market_data.ticker.pairs import split_pair
from market_data.ticker_cache.status import ExchangeReport, FetcherStatus, PairStatus


def exchange_troubles(status: FetcherStatus, now_ms: int) -> list[str]:
    """Return why exchanges cannot be asked, or not be asked with success."""
    reports = status.by_exchange()
    troubles = []
    for name, report in reports.items():
        subject = _subject(name, reports)
        breaker, exchange = report.circuit_breaker, report.exchange
        if breaker.state != "closed":
            troubles.append(f"The circuit to {subject} is {breaker.state.replace('_', '-')}.")
        if exchange.banned_until is not None and exchange.banned_until > now_ms:
            troubles.append(
                f"{subject[0].upper()}{subject[1:]} has banned this address until {utc_text(exchange.banned_until)}."
            )
        if exchange.fault is not None and len(reports) > 1:  # an only exchange's fault is the cycle's
            troubles.append(f"{subject} gives no prices: {exchange.fault}.")
    return troubles


def price_doubts(status: FetcherStatus | None, settings: MarketDataSettings) -> list[str]:
    """Return why prices that are there may not be what they seem."""
    if status is None:
        return []
    doubts = [
        f"The prices of {name.capitalize()} stand still since {utc_text(report.exchange.still_since)}."
        for name, report in status.by_exchange().items()
        if report.exchange.still_since is not None
    ]
    for (alias, asset, exchange, rate), pairs in _aliases_in_use(status).items():
        off_percent = alias_off_percent(rate)
        if off_percent > settings.alias_tolerance_percent:
            doubts.append(
                f"{alias} stands in for {asset}, but is worth {rate.normalize():f} {asset} at {exchange.capitalize()}, "
                f"{off_percent:.1f} % off: {listed(pairs)}."
            )
    apart = [
        f"{pair} by {percent:.1f} % ({(found.exchange or '').capitalize()}, {(found.compared_with or '').capitalize()})"
        for pair, found, percent in diverging_pairs(status, settings)
    ]
    return [*doubts, f"Exchanges differ in their prices: {listed(apart)}."] if apart else doubts


def exchange_notes(status: FetcherStatus, now_ms: int) -> list[str]:
    """Return what an operator should know of exchanges though nothing is wrong."""
    reports = status.by_exchange()
    notes = []
    for name, report in reports.items():
        limit, of = report.rate_limit, "" if len(reports) == 1 else f" of {name.capitalize()}"
        if limit.intervals_per_cycle > 1:
            notes.append(
                f"Request weight{of} is near the limit: a refresh cycle every {limit.intervals_per_cycle} intervals."
            )
        if limit.retry_at is not None and limit.retry_at > now_ms:
            notes.append(f"The rate limit{of} allows no request until {utc_text(limit.retry_at)}.")
    return notes + _stand_bys(status.pairs)


def alias_off_percent(rate: Decimal) -> float:
    """Return how far the worth of an alias is from that of its asset, per cent."""
    return abs(float(rate) - 1) * 100


def diverging_pairs(status: FetcherStatus, settings: MarketDataSettings) -> list[tuple[str, PairStatus, Decimal]]:
    """Return the pairs whose prices at two exchanges differ by more than is allowed, and by how much, per cent."""
    compared = (
        (pair, found, abs(found.difference_percent))
        for pair, found in status.pairs.items()
        if found.difference_percent is not None
    )
    return [one for one in compared if one[2] > settings.divergence_percent]


def _aliases_in_use(status: FetcherStatus) -> Mapping[tuple[str, str, str, Decimal], list[str]]:
    """Return the pairs by alias, its asset, who tells its worth, and that."""
    in_use: dict[tuple[str, str, str, Decimal], list[str]] = {}
    for pair, found in status.pairs.items():
        if found.is_quote_alias and found.alias_rate is not None and found.alias_rate_exchange is not None:
            key = (found.quote_asset, split_pair(pair)[1], found.alias_rate_exchange, found.alias_rate)
            in_use.setdefault(key, []).append(pair)
    return in_use


def _stand_bys(pairs: Mapping[str, PairStatus]) -> list[str]:
    """Return a sentence for each exchange that delivers pairs in place of another one."""
    instead: dict[tuple[str, str], list[str]] = {}
    for pair, found in pairs.items():
        if found.exchange and found.instead_of and found.exchange != found.instead_of:
            instead.setdefault((found.exchange, found.instead_of), []).append(pair)
    return [
        f"{exchange.capitalize()} delivers instead of {other.capitalize()}: {listed(its_pairs)}."
        for (exchange, other), its_pairs in instead.items()
    ]


def _subject(name: str, reports: Mapping[str, ExchangeReport]) -> str:
    """Return what an exchange is called; an only one as in the versions that knew no other."""
    return "the exchange" if len(reports) == 1 else name.capitalize()
