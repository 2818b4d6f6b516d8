"""What the exchanges make of the configuration: one request each for its list, then every pair is looked up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market_data.aggregator.planned_weight import PlannedWeight, planned_weight
from market_data.aggregator.service import restore_waits
from market_data.aggregator.symbols import ListedAt, ResolvedPair, resolve_pair
from market_data.aggregator.wiring import EXCHANGES, Chance, build_gateway
from market_data.conf.declarations import MarketDataSettings
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
class ExchangeCheck:
    """What an exchange lists, and what refreshing the pairs that it delivers costs a minute.

    `used` is the request weight that this address had used in the present minute, None where the exchange does not say.
    """

    exchange: Exchange
    host: str
    source: Source
    symbols: SymbolList
    weight: PlannedWeight
    limit: int
    used: int | None


@dataclass(frozen=True, slots=True)
class ConfigurationReport:
    """Every configured pair as the exchanges know it. `silent` are those that could not be asked, with the reason."""

    exchanges: Sequence[ExchangeCheck]
    silent: Mapping[str, ExchangeError | NoHostAnswersError]
    pairs: Mapping[str, ResolvedPair]

    def refused(self, outcome: PairOutcome) -> list[ResolvedPair]:
        """Return the pairs that cannot be priced for this reason."""
        return [pair for pair in self.pairs.values() if pair.refusal is outcome]

    @property
    def aliased(self) -> list[ResolvedPair]:
        return [pair for pair in self.priced if pair.first and pair.first.is_alias]

    @property
    def priced(self) -> list[ResolvedPair]:
        return [pair for pair in self.pairs.values() if pair.refusal is None]


def check_configuration(
    settings: MarketDataSettings, status: FetcherStatus | None, http: HttpGet, clock: Clock, chance: Chance
) -> ConfigurationReport:
    """Return the report; raise the first exchange's error where none could be asked.

    `status` is the last report of a fetcher: during a ban or a wait that it tells of, that exchange is not asked.
    """
    heard: dict[str, Received[SymbolListing]] = {}
    silent: dict[str, ExchangeError | NoHostAnswersError] = {}
    exchanges = {name: EXCHANGES[name]() for name in settings.exchange_names}
    for name, exchange in exchanges.items():
        try:
            heard[name] = _ask_hosts(exchange, settings, status, http, clock, chance)
        except (ExchangeError, NoHostAnswersError) as error:
            silent[name] = error
    if not heard:
        raise next(iter(silent.values()))
    lists = {name: SymbolList(received.content.symbols) for name, received in heard.items()}
    pairs = {
        pair: resolve_pair(
            pair,
            [ListedAt(exchanges[name], lists[name]) for name in settings.exchanges_of(pair) if name in lists],
            settings.quote_aliases,
        )
        for pair in settings.trading_pairs
    }
    checks = [_check(exchanges[name], received, lists[name], pairs, settings) for name, received in heard.items()]
    return ConfigurationReport(checks, silent, pairs)


def _check(
    exchange: Exchange,
    received: Received[SymbolListing],
    symbols: SymbolList,
    pairs: Mapping[str, ResolvedPair],
    settings: MarketDataSettings,
) -> ExchangeCheck:
    firsts = [pair.first for pair in pairs.values() if pair.first and pair.first.exchange == exchange.name]
    delivered = list(dict.fromkeys(first.symbol for first in firsts))
    return ExchangeCheck(
        exchange=exchange,
        host=received.response.host,
        source=received.source,
        symbols=symbols,
        weight=planned_weight(exchange, delivered, settings),
        limit=received.content.weight_limit or exchange.weight_limit,
        used=exchange.used_weight(received.response),
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
    for url in settings.exchange_urls(exchange.name):
        gateway = build_gateway(settings, exchange, (url,), clock=clock, chance=chance, http=http)
        told = status.by_exchange().get(exchange.name) if status else None
        if told is not None:
            restore_waits(gateway.waits, told, clock.now_ms())
        try:
            return gateway.symbol_listing(exchange.list_requests(), clock.monotonic() + TIMEOUT_SECONDS)
        except ExchangeError as error:
            if not error.is_host_fault:
                raise
            faults.append(str(error))
    raise NoHostAnswersError(faults)
