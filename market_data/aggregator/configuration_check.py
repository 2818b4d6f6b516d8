"""What the exchange makes of the configuration: one request for its list of symbols, then every pair is looked up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market_data.aggregator.planned_weight import PlannedWeight, planned_weight
from market_data.aggregator.service import restore_waits
from market_data.aggregator.symbols import ResolvedPair, resolve_pair
from market_data.aggregator.wiring import Chance, build_gateway
from market_data.conf.declarations import MarketDataSettings
from market_data.exchanges.binance.exchange import Binance
from market_data.exchanges.errors import ExchangeError
from market_data.exchanges.gateway import HttpGet, Received
from market_data.exchanges.protocol import Exchange, SymbolListing
from market_data.exchanges.symbols import SymbolList
from market_data.ticker.clock import Clock
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.source import Source
from market_data.ticker_cache.status import FetcherStatus

TIMEOUT_SECONDS = 5.0
"""For each host: one that accepts a connection and never answers leaves the next one its time."""


class NoHostAnswersError(Exception):
    """Every host of the exchange failed; `faults` says how, one sentence each, in the order of asking."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class ConfigurationReport:
    """Every configured pair as the exchange knows it, and what refreshing them costs a minute.

    `used` is the request weight that this address had used in the present minute, None where the exchange does not say.
    """

    host: str
    source: Source
    listed: int
    pairs: Mapping[str, ResolvedPair]
    weight: PlannedWeight
    limit: int
    used: int | None

    def refused(self, outcome: PairOutcome) -> list[ResolvedPair]:
        """Return the pairs that cannot be priced for this reason."""
        return [pair for pair in self.pairs.values() if pair.refusal is outcome]

    @property
    def aliased(self) -> list[ResolvedPair]:
        return [pair for pair in self.pairs.values() if pair.refusal is None and pair.is_quote_alias]

    @property
    def priced(self) -> list[ResolvedPair]:
        return [pair for pair in self.pairs.values() if pair.refusal is None]


def check_configuration(
    settings: MarketDataSettings, status: FetcherStatus | None, http: HttpGet, clock: Clock, chance: Chance
) -> ConfigurationReport:
    """Return the report; raise `NoHostAnswersError`, or another `ExchangeError` that no other host would change.

    `status` is the last report of a fetcher: during the ban or the wait that it tells of, nothing is asked.
    """
    exchange = Binance()
    received = _ask_hosts(exchange, settings, status, http, clock, chance)
    listing, response = received.content, received.response
    symbols = SymbolList(listing.symbols)
    pairs = {pair: resolve_pair(pair, symbols, settings.quote_aliases) for pair in settings.trading_pairs}
    asked_for = dict.fromkeys(pair.symbol for pair in pairs.values() if pair.symbol and pair.refusal is None)
    return ConfigurationReport(
        host=response.host,
        source=received.source,
        listed=len(symbols),
        pairs=pairs,
        weight=planned_weight(exchange, list(asked_for), settings),
        limit=listing.weight_limit or exchange.weight_limit,
        used=exchange.used_weight(response),
    )


def _ask_hosts(
    exchange: Exchange,
    settings: MarketDataSettings,
    status: FetcherStatus | None,
    http: HttpGet,
    clock: Clock,
    chance: Chance,
) -> Received[SymbolListing]:
    faults: list[str] = []
    for url in settings.exchange_urls:
        gateway = build_gateway(settings, exchange, (url,), clock=clock, chance=chance, http=http)
        if status is not None:
            restore_waits(gateway.waits, status, clock.now_ms())
        try:
            return gateway.symbol_listing(exchange.list_requests(), clock.monotonic() + TIMEOUT_SECONDS)
        except ExchangeError as error:
            if not error.is_host_fault:
                raise
            faults.append(str(error))
    raise NoHostAnswersError(faults)
