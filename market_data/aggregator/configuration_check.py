"""What the exchange makes of the configuration: one request for its list of symbols, then every pair is looked up."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market_data.aggregator.planned_weight import PlannedWeight, planned_weight
from market_data.aggregator.service import restore_waits
from market_data.aggregator.symbol_loader import LEAN_PATH, PATH
from market_data.aggregator.symbols import ResolvedPair, SymbolList, resolve_pair
from market_data.aggregator.wiring import build_gateway
from market_data.conf.declarations import MarketDataSettings
from market_data.exchanges.binance.payloads import ExchangeInfo, decode_exchange_info
from market_data.exchanges.errors import ExchangeError, RefusedRequestError, RefusedSymbolsError
from market_data.exchanges.gateway import ExchangeClient, ExchangeGateway, Received
from market_data.exchanges.request_weight import DEFAULT_LIMIT_PER_MINUTE, EXCHANGE_INFO_WEIGHT
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.source import Source
from market_data.ticker_cache.status import FetcherStatus

TIMEOUT_SECONDS = 5.0
"""For each host: one that accepts a connection and never answers leaves the next one its time."""
_MAX_BYTES = 64 * 1024 * 1024


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
    settings: MarketDataSettings, status: FetcherStatus | None, client: ExchangeClient, now_ms: int
) -> ConfigurationReport:
    """Return the report; raise `NoHostAnswersError`, or another `ExchangeError` that no other host would change.

    `status` is the last report of a fetcher: during the ban or the wait that it tells of, nothing is asked.
    """
    received = _ask_hosts(settings, status, client, now_ms)
    info = received.content
    symbols = SymbolList(info.symbols)
    pairs = {pair: resolve_pair(pair, symbols, settings.quote_aliases) for pair in settings.trading_pairs}
    asked_for = dict.fromkeys(pair.symbol for pair in pairs.values() if pair.symbol and pair.refusal is None)
    return ConfigurationReport(
        host=received.answer.host,
        source=received.answer.source,
        listed=len(symbols),
        pairs=pairs,
        weight=planned_weight(list(asked_for), settings),
        limit=info.weight_limit or DEFAULT_LIMIT_PER_MINUTE,
        used=received.answer.used_weight,
    )


def _ask_hosts(
    settings: MarketDataSettings, status: FetcherStatus | None, client: ExchangeClient, now_ms: int
) -> Received[ExchangeInfo]:
    faults: list[str] = []
    for url in settings.exchange_urls:
        gateway = build_gateway(settings, (url,), client)
        if status is not None:
            restore_waits(gateway.pause, status, now_ms)
        try:
            return _ask(gateway, time.monotonic() + TIMEOUT_SECONDS)
        except ExchangeError as error:
            if not error.is_host_fault:
                raise
            faults.append(str(error))
    raise NoHostAnswersError(faults)


def _ask(gateway: ExchangeGateway, deadline: float) -> Received[ExchangeInfo]:
    try:
        return _request(gateway, LEAN_PATH, deadline)
    except (RefusedRequestError, RefusedSymbolsError):  # a host that does not know the parameter
        return _request(gateway, PATH, deadline)


def _request(gateway: ExchangeGateway, path: str, deadline: float) -> Received[ExchangeInfo]:
    return gateway.request(
        path, decode_exchange_info, weight=EXCHANGE_INFO_WEIGHT, deadline=deadline, max_bytes=_MAX_BYTES
    )
