"""Binance's candles, as `klines` and `uiKlines` give them. Months, which are of no fixed length, are left out."""

from collections.abc import Mapping
from typing import Any

from exchange_simulator.amounts import UNITS_PER_ONE, format_amount
from exchange_simulator.candles import Candle
from exchange_simulator.tickers import DAY_MS
from exchange_simulator.view import MarketView

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
INTERVALS_MS: Mapping[str, int] = {
    "1s": 1_000,
    **{f"{number}m": number * _MINUTE_MS for number in (1, 3, 5, 15, 30)},
    **{f"{number}h": number * _HOUR_MS for number in (1, 2, 4, 6, 8, 12)},
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": 7 * DAY_MS,
}
_FIRST_MONDAY_MS = 4 * DAY_MS


def klines(
    view: MarketView, symbol: str, length_ms: int, *, start_ms: int | None, end_ms: int | None, most: int
) -> list[Any]:
    """Return the candles that begin between the two instants: the first ones where a start is given, else the last."""
    offset_ms = _FIRST_MONDAY_MS if length_ms == INTERVALS_MS["1w"] else 0
    now_ms = view.exchange_time_ms
    last_ms = min(now_ms if end_ms is None else end_ms, now_ms)
    latest_ms = last_ms - (last_ms - offset_ms) % length_ms
    earliest_ms = latest_ms - (most - 1) * length_ms
    if start_ms is not None:
        earliest_ms = start_ms + (offset_ms - start_ms) % length_ms
    starts = range(earliest_ms, latest_ms + 1, length_ms)[:most]
    shift_ms = view.world.clock_offset_ms
    own_starts = [start - shift_ms for start in starts]
    candles = view.market.candles(symbol, own_starts, length_ms, view.now_ms, view.world)
    return [_row(candle, candle.start_ms + shift_ms, length_ms) for candle in candles]


def _row(candle: Candle, start_ms: int, length_ms: int) -> list[Any]:
    quote_volume = candle.volume * candle.weighted_average // UNITS_PER_ONE
    prices = (candle.open, candle.high, candle.low, candle.close)
    return [
        start_ms,
        *map(format_amount, prices),
        format_amount(candle.volume),
        start_ms + length_ms - 1,
        format_amount(quote_volume),
        candle.count,
        format_amount(candle.volume // 2),
        format_amount(quote_volume // 2),
        "0",
    ]
