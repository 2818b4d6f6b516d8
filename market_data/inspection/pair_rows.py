"""The configured pairs as the fetcher, the exchange and the cache know them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from market_data.conf.declarations import MarketDataSettings
from market_data.inspection.words import NOTHING, alias_text, duration_text
from market_data.ticker.availability import PriceState
from market_data.ticker.number_format import format_price
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.pairs import split_pair
from market_data.ticker_cache.prices import CacheReading
from market_data.ticker_cache.server import CacheLives
from market_data.ticker_cache.status import FetcherStatus, PairStatus


@dataclass(frozen=True, slots=True)
class PairRow:
    """One pair. `life_ms` is how long Redis will keep what it has as the current price.

    `exchange` gave the price, or delivers the pair where there is none; `instead_of` should deliver it. `alias_rate` is
    what one unit of the alias costs in the pair's own quote asset.
    """

    pair: str
    symbol: str | None
    quote_asset: str
    is_quote_alias: bool
    outcome: str | None
    state: PriceState
    price: Decimal | None
    received_at_ms: int | None
    age_ms: int | None
    life_ms: int | None
    exchange: str | None
    instead_of: str | None
    standing_by: Sequence[str]
    alias_rate: Decimal | None
    alias_rate_exchange: str | None

    @property
    def is_trouble(self) -> bool:
        return self.state is not PriceState.FRESH or self.outcome not in (None, PairOutcome.OK)

    @property
    def exchange_text(self) -> str:
        names = [self.exchange or NOTHING]
        if self.instead_of and self.instead_of != self.exchange:
            names.append(f"instead of {self.instead_of}")
        if self.standing_by:
            names.append(f"standing by: {', '.join(self.standing_by)}")
        return "; ".join(names)

    @property
    def alias_text(self) -> str:
        """What is said about the alias; nothing where none stands in."""
        return alias_text(self.pair, self.quote_asset, self.alias_rate) if self.is_quote_alias else ""

    @property
    def price_text(self) -> str:
        return format_price(self.price)

    @property
    def age_text(self) -> str:
        return NOTHING if self.age_ms is None else duration_text(self.age_ms)

    @property
    def life_text(self) -> str:
        return NOTHING if self.life_ms is None else duration_text(self.life_ms)


def pair_rows(
    prices: CacheReading, status: FetcherStatus | None, lives: CacheLives, now_ms: int, settings: MarketDataSettings
) -> list[PairRow]:
    """Return a row for each configured pair, in their order."""
    known = status.pairs if status else {}
    return [
        _row(pair, prices, known.get(pair), lives.prices_ms.get(pair), now_ms, settings)
        for pair in settings.trading_pairs
    ]


def _row(
    pair: str,
    prices: CacheReading,
    status: PairStatus | None,
    life_ms: int | None,
    now_ms: int,
    settings: MarketDataSettings,
) -> PairRow:
    found = prices.availability(pair, now_ms, settings, settings.last_known_ttl_ms)
    ticker = found.ticker
    record = ticker.decode() if ticker else None
    return PairRow(
        pair=pair,
        symbol=status.symbol if status else None,
        quote_asset=status.quote_asset if status else split_pair(pair)[1],
        is_quote_alias=status is not None and status.is_quote_alias,
        outcome=status.outcome if status else None,
        state=found.state,
        price=record.price if record else None,
        received_at_ms=ticker.received_at_ms if ticker else None,
        age_ms=found.age_ms,
        life_ms=life_ms if pair in prices.current else None,
        exchange=(record.exchange if record else None) or (status.exchange if status else None),
        instead_of=status.instead_of if status else None,
        standing_by=status.standing_by if status else (),
        alias_rate=status.alias_rate if status else None,
        alias_rate_exchange=status.alias_rate_exchange if status else None,
    )
