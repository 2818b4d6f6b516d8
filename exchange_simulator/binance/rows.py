"""The two forms in which Binance writes a symbol's ticker."""

from collections.abc import Mapping
from typing import Any

from exchange_simulator.amounts import format_amount, format_percent, parse_amount, written_decimals
from exchange_simulator.tickers import Row, Ticker

# JSON key -> attribute, for every amount that a ticker carries.
AMOUNT_FIELDS: Mapping[str, str] = {
    "weightedAvgPrice": "weighted_average",
    "prevClosePrice": "previous_close",
    "lastPrice": "last",
    "lastQty": "last_quantity",
    "bidPrice": "bid",
    "bidQty": "bid_quantity",
    "askPrice": "ask",
    "askQty": "ask_quantity",
    "openPrice": "open",
    "highPrice": "high",
    "lowPrice": "low",
    "volume": "volume",
    "quoteVolume": "quote_volume",
}
INTEGER_FIELDS: Mapping[str, str] = {
    "openTime": "open_time_ms",
    "closeTime": "close_time_ms",
    "firstId": "first_id",
    "lastId": "last_id",
    "count": "count",
}
FULL_KEYS = (
    "symbol", "priceChange", "priceChangePercent", *AMOUNT_FIELDS, *INTEGER_FIELDS,
)  # fmt: skip
MINI_KEYS = (
    "symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume", *INTEGER_FIELDS,
)  # fmt: skip
KEYS_BY_TYPE: Mapping[str, tuple[str, ...]] = {"FULL": FULL_KEYS, "MINI": MINI_KEYS}


def write_row(ticker: Ticker, keys: tuple[str, ...] = FULL_KEYS) -> Row:
    row = _full_row(ticker)
    return row if keys is FULL_KEYS else {key: row[key] for key in keys}


def _full_row(ticker: Ticker) -> Row:
    if ticker.recorded_row is not None:
        times = {"openTime": ticker.open_time_ms, "closeTime": ticker.close_time_ms}
        return {**ticker.recorded_row, **times}
    change = ticker.last - ticker.open
    row: Row = {
        "symbol": ticker.symbol,
        "priceChange": format_amount(change, ticker.price_decimals),
        "priceChangePercent": format_percent(change, ticker.open, 3),
    }
    for key, attribute in AMOUNT_FIELDS.items():
        row[key] = format_amount(getattr(ticker, attribute), _decimals(ticker, key))
    for key, attribute in INTEGER_FIELDS.items():
        row[key] = getattr(ticker, attribute)
    return row


def _decimals(ticker: Ticker, key: str) -> int:
    if key.endswith("Price"):
        return ticker.price_decimals
    return ticker.quote_volume_decimals if key == "quoteVolume" else 8


def read_row(row: Mapping[str, Any]) -> Ticker:
    """Read a FULL row; raise ValueError or KeyError naming what does not belong into one."""
    amounts: dict[str, Any] = {attribute: parse_amount(row[key]) for key, attribute in AMOUNT_FIELDS.items()}
    integers: dict[str, Any] = {attribute: int(row[key]) for key, attribute in INTEGER_FIELDS.items()}
    return Ticker(
        symbol=row["symbol"],
        **amounts,
        **integers,
        price_decimals=_decimals_between_1_and_8(row["lastPrice"]),
        quote_volume_decimals=_decimals_between_1_and_8(row["quoteVolume"]),
        recorded_row=row,
    )


def _decimals_between_1_and_8(text: str) -> int:
    return min(8, max(1, written_decimals(text)))
