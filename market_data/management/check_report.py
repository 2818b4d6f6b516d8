"""The report on a configuration as lines of at most 80 columns. Pure."""

from collections.abc import Sequence

from market_data.aggregator.configuration_check import ConfigurationReport, ExchangeCheck
from market_data.exchanges.protocol import Exchange
from market_data.inspection.columns import shown, wrapped
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.source import Source

COLUMNS = 80
SLOW_FROM = 0.80
"""From this share of the limit on the fetcher makes refresh cycles rarer."""
_ADVICE = {
    PairOutcome.UNKNOWN_SYMBOL: "Correct them in TRADING_PAIRS, or name an alias of their quote asset in "
    "MARKET_DATA_QUOTE_ALIASES.",
    PairOutcome.NOT_TRADING: "They have no current price. Take them out of TRADING_PAIRS, or wait.",
}


def is_all_well(report: ConfigurationReport) -> bool:
    """Tell whether every pair can be priced and the request weight leaves the fetcher its pace."""
    is_light = all(check.weight.per_minute < SLOW_FROM * check.limit for check in report.exchanges)
    return len(report.priced) == len(report.pairs) and is_light


def report_lines(report: ConfigurationReport) -> list[str]:
    """Return what a person should know of the configuration, trouble in full."""
    lines: list[str] = []
    for check in report.exchanges:
        lines += _paragraph("", f"{_named(check.exchange)}: {check.host} lists {len(check.symbols)} symbols.")
    for name, error in report.silent.items():
        lines += _paragraph("", f"{name} could not be asked: {error}.")
    if any(check.source is Source.SIMULATOR for check in report.exchanges):
        lines += _paragraph("", "It is the exchange simulator: what follows says nothing about the market.")
    lines += ["", f"Pairs: {len(report.pairs)} configured, {len(report.priced)} can be priced"]
    for outcome, words in ((PairOutcome.UNKNOWN_SYMBOL, "unknown"), (PairOutcome.NOT_TRADING, "not trading")):
        refused = report.refused(outcome)
        if refused:
            lines += _listed(words, [pair.pair for pair in refused])
            lines += _paragraph(" " * 4, _ADVICE[outcome])
    for check in report.exchanges:
        name = check.exchange.name
        firsts = [pair.pair for pair in report.priced if pair.first and pair.first.exchange == name]
        if firsts and len(report.exchanges) > 1:
            lines += _listed(f"from {name}", firsts)
    if report.aliased:
        lines += _listed(
            "aliased", [f"{pair.pair} (priced by {pair.first.symbol})" for pair in report.aliased if pair.first]
        )
    for check in report.exchanges:
        lines += ["", *_weight(check)]
    return lines


def _named(exchange: Exchange) -> str:
    return exchange.name.capitalize()


def _weight(check: ExchangeCheck) -> list[str]:
    weight, limit = check.weight, check.limit
    lines = [
        f"Request weight at {_named(check.exchange)}: {weight.per_minute} of {limit} a minute "
        f"({weight.per_minute / limit:.1%})"
    ]
    lines += _paragraph(
        "  ",
        f"refresh cycles: requests: {weight.requests_per_cycle}, weight: {weight.weight_per_cycle}, "
        f"{weight.cycles_per_minute:g} times a minute; following the symbols' statuses: "
        f"{weight.status_weight_per_minute:g}",
    )
    if check.used is not None:
        lines += _paragraph("  ", f"used by this address in the present minute, this request included: {check.used}")
    if weight.per_minute >= SLOW_FROM * limit:
        lines += _paragraph(
            "  ",
            f"From {SLOW_FROM:.0%} of the limit on refresh cycles become rarer. Ask for fewer pairs, or raise "
            "MARKET_DATA_FETCH_INTERVAL_MS.",
        )
    return lines


def _listed(words: str, names: Sequence[str]) -> list[str]:
    return _paragraph("  ", f"{words} ({len(names)}): {', '.join(names)}")


def _paragraph(start: str, text: str) -> list[str]:
    return [start + line for line in wrapped([shown(word) for word in text.split()], COLUMNS - len(start))]
