"""The rolling 24 h statistics of one symbol, and the two forms in which Binance writes them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from exchange_simulator.amounts import format_amount, format_percent, parse_amount

DAY_MS = 86_400_000
NO_TRADE_ID = -1

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

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """Amounts are units of 10^-8; times are Unix ms of the exchange's clock."""

    symbol: str
    open: int
    high: int
    low: int
    last: int
    weighted_average: int
    previous_close: int
    last_quantity: int
    bid: int
    bid_quantity: int
    ask: int
    ask_quantity: int
    volume: int
    quote_volume: int
    open_time_ms: int
    close_time_ms: int
    first_id: int
    last_id: int
    count: int
    price_decimals: int = 8
    quote_volume_decimals: int = 8
    recorded_row: Mapping[str, Any] | None = None

    def shifted(self, milliseconds: int) -> "Ticker":
        return replace(
            self,
            open_time_ms=self.open_time_ms + milliseconds,
            close_time_ms=self.close_time_ms + milliseconds,
        )

    def named(self, symbol: str) -> "Ticker":
        """Return the ticker of a symbol that has another name by now."""
        return self if symbol == self.symbol else replace(self, symbol=symbol, recorded_row=None)

    def frozen(self) -> "Ticker":
        """Return the row of a symbol fresh from delisting: the old price, an empty order book."""
        return replace(self, bid=0, bid_quantity=0, ask=0, ask_quantity=0, recorded_row=None)

    def zeroed(self) -> "Ticker":
        """Return the row of a delisted symbol after the matching engine's next restart."""
        zeros: dict[str, Any] = dict.fromkeys(AMOUNT_FIELDS.values(), 0)
        return replace(
            self,
            **zeros,
            first_id=NO_TRADE_ID,
            last_id=NO_TRADE_ID,
            count=0,
            recorded_row=None,
        )

    def repriced(self, last: int) -> "Ticker":
        """Return the ticker after one more trade at `last`, bid and ask moved along with it."""
        return replace(
            self,
            last=last,
            high=max(self.high, last),
            low=min(self.low, last),
            bid=self.bid and max(0, self.bid + last - self.last),
            ask=self.ask and max(last, self.ask + last - self.last),
            recorded_row=None,
        )


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
        "priceChangePercent": format_percent(change, ticker.open),
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
    amounts = {attribute: parse_amount(row[key]) for key, attribute in AMOUNT_FIELDS.items()}
    integers = {attribute: int(row[key]) for key, attribute in INTEGER_FIELDS.items()}
    return Ticker(
        symbol=row["symbol"],
        **amounts,
        **integers,
        price_decimals=_written_decimals(row["lastPrice"]),
        quote_volume_decimals=_written_decimals(row["quoteVolume"]),
        recorded_row=row,
    )


def _written_decimals(text: str) -> int:
    return min(8, max(1, len(text.partition(".")[2])))
