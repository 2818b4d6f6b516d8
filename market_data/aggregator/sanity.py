"""Whether a row of an exchange is a live price. Pure."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from market_data.exchanges.protocol import RowState, TickerRow
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import exact_decimal

# The exchange's clock may be ahead of ours; a time further ahead than this is no time.
MAX_CLOCK_LEAD_MS = 15 * 60 * 1000
_CHANGE_STEP = Decimal("0.001")
"""As Binance writes a change in per cent."""


@dataclass(frozen=True, slots=True)
class Quote:
    """The figures of a sane row: prices in the quote asset, volume in the base asset."""

    price: Decimal
    volume: Decimal
    change_24h_percent: Decimal
    high_24h: Decimal
    low_24h: Decimal


def assess_row(row: TickerRow, exchange_now_ms: int, day_ago_price: Decimal | None = None) -> Quote | PairOutcome:
    """Return the row's figures, or why it is no live price.

    `day_ago_price` stands in where the row tells neither the change in 24 h nor the price before it.
    """
    if row.state is RowState.DEAD:
        return PairOutcome.NOT_TRADING
    texts = (row.price, row.volume, row.high_24h, row.low_24h)
    price, volume, high, low = map(exact_decimal, texts)
    if price is None or volume is None or high is None or low is None:
        return PairOutcome.REJECTED if all(map(_is_number, texts)) else PairOutcome.MALFORMED
    is_in_time = row.exchange_time_ms is None or row.exchange_time_ms <= exchange_now_ms + MAX_CLOCK_LEAD_MS
    if not (price > 0 and 0 < low <= high and volume >= 0 and is_in_time):
        return PairOutcome.REJECTED
    change = _change_percent(row, price, day_ago_price)
    return Quote(price, volume, change, high, low) if isinstance(change, Decimal) else change


def _change_percent(row: TickerRow, price: Decimal, day_ago_price: Decimal | None) -> Decimal | PairOutcome:
    if row.change_24h_percent is not None:
        change = exact_decimal(row.change_24h_percent)
        refusal = PairOutcome.REJECTED if _is_number(row.change_24h_percent) else PairOutcome.MALFORMED
        return refusal if change is None else change
    before = day_ago_price if row.open_24h is None else exact_decimal(row.open_24h)
    if before is None:
        return PairOutcome.INCOMPLETE
    return PairOutcome.REJECTED if before <= 0 else ((price / before - 1) * 100).quantize(_CHANGE_STEP)


def _is_number(text: str) -> bool:
    try:
        Decimal(text)
    except InvalidOperation:
        return False
    return True
