"""The configured pairs as the fetcher, the exchange and the cache know them. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from market_data.conf.declarations import MarketDataSettings
from market_data.inspection.words import NOTHING, duration_text
from market_data.ticker.availability import PriceState
from market_data.ticker.number_format import format_price
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.pairs import split_pair
from market_data.ticker_cache.prices import CacheReading
from market_data.ticker_cache.server import CacheLives
from market_data.ticker_cache.status import FetcherStatus, PairStatus


@dataclass(frozen=True, slots=True)
class PairRow:
    """One pair. `life_ms` is how long Redis will keep what it has as the current price."""

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

    @property
    def is_trouble(self) -> bool:
        return self.state is not PriceState.FRESH or self.outcome not in (None, PairOutcome.OK)

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
    return PairRow(
        pair=pair,
        symbol=status.symbol if status else None,
        quote_asset=status.quote_asset if status else split_pair(pair)[1],
        is_quote_alias=status is not None and status.is_quote_alias,
        outcome=status.outcome if status else None,
        state=found.state,
        price=ticker.decode().price if ticker else None,
        received_at_ms=ticker.received_at_ms if ticker else None,
        age_ms=found.age_ms,
        life_ms=life_ms if pair in prices.current else None,
    )
