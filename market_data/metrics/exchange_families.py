"""Figures of each exchange for Prometheus, from the fetcher's report. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric

from market_data.conf.declarations import MarketDataSettings
from market_data.inspection.exchange_reasons import alias_off_percent, diverging_pairs
from market_data.ticker.availability import age_ms
from market_data.ticker.pairs import split_pair
from market_data.ticker_cache.status import FetcherStatus

CIRCUIT_STATES = ("closed", "open", "half_open")


def exchange_families(status: FetcherStatus, now_ms: int, settings: MarketDataSettings) -> Iterator[Metric]:
    """Yield a family for each figure, labelled by exchange; what an exchange does not tell is absent, never zero."""
    reports = status.by_exchange()
    circuits = GaugeMetricFamily(
        "nexusmeme_exchange_circuit_state", "Circuit of each exchange: 1 for its state", labels=["exchange", "state"]
    )
    for name, report in reports.items():
        for state in CIRCUIT_STATES:
            circuits.add_metric([name, state], float(report.circuit_breaker.state == state))
    yield circuits
    used = {name: report.rate_limit.used_weight for name, report in reports.items()}
    yield _by_exchange("request_weight_used", "Request weight of the minute, as the exchange counts", used)
    bans = {name: (report.exchange.banned_until or 0) / 1000 for name, report in reports.items()}
    yield _by_exchange("ban_end_time_seconds", "Unix time at which the exchange's ban ends, 0 for none", bans)
    loaded_at = {name: report.exchange.symbols_loaded_at for name, report in reports.items()}
    ages_ms = {name: None if at is None else age_ms(at, now_ms) for name, at in loaded_at.items()}
    ages = {name: None if age is None else age / 1000 for name, age in ages_ms.items()}
    yield _by_exchange("symbols_age_seconds", "Time since the exchange's list of symbols was loaded", ages)
    still = {name: int(report.exchange.still_since is not None) for name, report in reports.items()}
    yield _by_exchange("standing_still", "1 while the prices of an exchange do not change", still)
    failing = {name: int(report.exchange.fault is not None) for name, report in reports.items()}
    yield _by_exchange("failing", "1 while no host of an exchange answers", failing)
    delivered = Counter(pair.exchange for pair in status.pairs.values() if pair.exchange)
    yield _by_exchange("pairs", "Pairs that an exchange delivers", {name: delivered[name] for name in reports})
    instead = Counter(pair.instead_of for pair in status.pairs.values() if pair.instead_of)
    meaning = "Pairs that an exchange should deliver, and another one or an alias does"
    yield _by_exchange("pairs_failed_over", meaning, {name: instead[name] for name in reports})
    yield from _comparisons(status, settings)


def _comparisons(status: FetcherStatus, settings: MarketDataSettings) -> Iterator[Metric]:
    rates = {
        (pair.quote_asset, split_pair(name)[1], pair.alias_rate_exchange): pair.alias_rate
        for name, pair in status.pairs.items()
        if pair.is_quote_alias and pair.alias_rate is not None and pair.alias_rate_exchange is not None
    }
    worth = GaugeMetricFamily(
        "nexusmeme_alias_rate",
        "What one unit of an alias costs in the asset that it stands in for",
        labels=["alias", "asset", "exchange"],
    )
    for (alias, asset, exchange), rate in rates.items():
        worth.add_metric([alias, asset, exchange or ""], float(rate))
    yield worth
    off = sum(alias_off_percent(rate) > settings.alias_tolerance_percent for rate in rates.values())
    yield GaugeMetricFamily("nexusmeme_aliases_off", "Aliases that are off by more than is allowed", value=float(off))
    percents = [abs(pair.difference_percent) for pair in status.pairs.values() if pair.difference_percent is not None]
    largest = GaugeMetricFamily(
        "nexusmeme_pair_difference_percent", "Largest difference of a pair's prices at two exchanges in one cycle"
    )
    if percents:
        largest.add_metric([], float(max(percents)))
    yield largest
    yield GaugeMetricFamily(
        "nexusmeme_pairs_diverging",
        "Pairs whose prices at two exchanges differ by more than is allowed",
        value=float(len(diverging_pairs(status, settings))),
    )


def _by_exchange(name: str, meaning: str, values: Mapping[str, float | None]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"nexusmeme_exchange_{name}", meaning, labels=["exchange"])
    for exchange, value in values.items():
        if value is not None:
            family.add_metric([exchange], float(value))
    return family
