"""Whether a row of the exchange is a live price. Pure."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from market_data.exchanges.binance.payloads import TickerRow
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import exact_decimal

# The exchange's clock may be ahead of ours; a time further ahead than this is no time.
MAX_CLOCK_LEAD_MS = 15 * 60 * 1000
_NEVER_TRADED = -1


@dataclass(frozen=True, slots=True)
class Quote:
    """The figures of a plausible row: prices in the quote asset, volume in the base asset."""

    price: Decimal
    volume: Decimal
    change_24h_percent: Decimal
    high_24h: Decimal
    low_24h: Decimal


def assess_row(row: TickerRow, exchange_now_ms: int) -> Quote | PairOutcome:
    """Return the row's figures, or why it is no live price: `not_trading`, `malformed` or `rejected`."""
    if row.first_id == _NEVER_TRADED:
        return PairOutcome.NOT_TRADING
    texts = (row.last_price, row.volume, row.price_change_percent, row.high_price, row.low_price)
    price, volume, change, high, low = map(exact_decimal, texts)
    if price is None or volume is None or change is None or high is None or low is None:
        return PairOutcome.REJECTED if all(map(_is_number, texts)) else PairOutcome.MALFORMED
    is_in_time = row.close_time is None or row.close_time <= exchange_now_ms + MAX_CLOCK_LEAD_MS
    if not (price > 0 and 0 < low <= high and volume >= 0 and is_in_time):
        return PairOutcome.REJECTED
    return Quote(price, volume, change, high, low)


def has_empty_book(row: TickerRow) -> bool:
    """Tell whether nobody bids and nobody asks, as in the frozen row of a symbol that was delisted."""
    return _is_zero(row.bid_price) and _is_zero(row.ask_price)


def _is_number(text: str) -> bool:
    try:
        Decimal(text)
    except InvalidOperation:
        return False
    return True


def _is_zero(text: str | None) -> bool:
    return text is not None and exact_decimal(text) == 0
