"""Live or simulated: decided once, before anything starts, and said with its reasons."""

from collections.abc import Mapping
from dataclasses import dataclass

from development.exchange_probe import probe_hosts
from development.options import Exchange, Options
from market_data.conf import loading as conf


@dataclass(frozen=True)
class Choice:
    """`reasons`: what was found out; `explanation`: the frame of a simulated start; `source`: whose prices they are."""

    is_simulated: bool
    source: str
    reasons: tuple[str, ...] = ()
    explanation: tuple[str, ...] = ()


_LIVE = "Prices are live from Binance."
_OUTAGE = "No host of Binance answers: the page shows the outage until one does."
_SIMULATED = "Prices are SIMULATED: they are not Binance's."


def choose_exchange(options: Options, environment: Mapping[str, str]) -> Choice:
    """Return the choice that the options ask for; `auto` asks the configured hosts of the exchange."""
    if options.exchange is Exchange.SIMULATOR:
        tickers = options.recording and options.recording.tickers
        markets = f"from {tickers.parent.name}/{tickers.name}" if tickers else "with generated markets"
        return Choice(True, _SIMULATED, explanation=(f"The exchange simulator stands in for Binance, {markets}.",))
    failures = probe_hosts(_base_urls(environment))
    reasons = tuple(f"{base_url}: {failure or 'answers'}" for base_url, failure in failures.items())
    if None in failures.values():
        return Choice(False, _LIVE, reasons)
    if options.exchange is Exchange.LIVE:
        return Choice(False, _OUTAGE, reasons)
    explanation = (
        "No host of Binance can be used from here; the reasons are above.",
        "The exchange simulator stands in for it, until you stop this command.",
        "To insist on the real exchange and see the outage: make run EXCHANGE=live",
    )
    return Choice(True, _SIMULATED, reasons, explanation)


def _base_urls(environment: Mapping[str, str]) -> tuple[str, ...]:
    settings = conf.load(environment.get).settings
    if settings is None:
        raise ValueError("the configuration has to be checked before the exchange is chosen")
    return (settings.binance_api_base_url, *settings.binance_api_fallback_urls)
