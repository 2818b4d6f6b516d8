"""Whether a row of an exchange is a live price. Pure."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from market_data.exchanges.protocol import RowState, TickerRow
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import exact_decimal

# The exchange's clock may be ahead of ours; a time further ahead than this is no time.
MAX_CLOCK_LEAD_MS = 15 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Quote:
    """The figures of a sane row: prices in the quote asset, volume in the base asset."""

    price: Decimal
    volume: Decimal
    change_24h_percent: Decimal
    high_24h: Decimal
    low_24h: Decimal


def assess_row(row: TickerRow, exchange_now_ms: int) -> Quote | PairOutcome:
    """Return the row's figures, or why it is no live price: `not_trading`, `malformed` or `rejected`."""
    if row.state is RowState.DEAD:
        return PairOutcome.NOT_TRADING
    texts = (row.price, row.volume, row.change_24h_percent, row.high_24h, row.low_24h)
    price, volume, change, high, low = map(exact_decimal, texts)
    if price is None or volume is None or change is None or high is None or low is None:
        return PairOutcome.REJECTED if all(map(_is_number, texts)) else PairOutcome.MALFORMED
    is_in_time = row.exchange_time_ms is None or row.exchange_time_ms <= exchange_now_ms + MAX_CLOCK_LEAD_MS
    if not (price > 0 and 0 < low <= high and volume >= 0 and is_in_time):
        return PairOutcome.REJECTED
    return Quote(price, volume, change, high, low)


def _is_number(text: str) -> bool:
    try:
        Decimal(text)
    except InvalidOperation:
        return False
    return True
