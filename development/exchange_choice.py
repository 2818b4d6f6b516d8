"""Live or simulated: decided once, before anything starts, and said with its reasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from development.exchange_probe import HostProbe, probe_hosts
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
        return Choice(is_simulated=True, source=_SIMULATED, explanation=(_simulator_source(options),))
    probes = probe_hosts(_base_urls(environment))
    reasons = tuple(_sentence(probe) for probe in probes)
    if any(probe.failure is None for probe in probes):
        return Choice(is_simulated=False, source=_LIVE, reasons=reasons)
    if options.exchange is Exchange.LIVE:
        return Choice(is_simulated=False, source=_OUTAGE, reasons=reasons)
    return Choice(
        is_simulated=True,
        source=_SIMULATED,
        reasons=reasons,
        explanation=(
            "No host of Binance can be used from here; the reasons are above.",
            "The exchange simulator stands in for it, until you stop this command.",
            "To insist on the real exchange and see the outage: make run EXCHANGE=live",
        ),
    )


def _simulator_source(options: Options) -> str:
    if options.recording is None:
        return "The exchange simulator stands in for Binance, with generated markets."
    return f"The exchange simulator stands in for Binance, from {_relative(options.recording.tickers)}."


def _relative(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _base_urls(environment: Mapping[str, str]) -> tuple[str, ...]:
    settings = conf.load(environment.get).settings
    if settings is None:
        raise ValueError("the configuration has to be checked before the exchange is chosen")
    return (settings.binance_api_base_url, *settings.binance_api_fallback_urls)


def _sentence(probe: HostProbe) -> str:
    return f"{probe.base_url}: {probe.failure or 'answers'}"
