"""The rolling 24 h statistics of one symbol, whatever the form in which an exchange writes them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

DAY_MS = 86_400_000
NO_TRADE_ID = -1

AMOUNTS = (
    "open", "high", "low", "last", "weighted_average", "previous_close", "last_quantity", "bid", "bid_quantity",
    "ask", "ask_quantity", "volume", "quote_volume",
)  # fmt: skip

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Today:
    """The statistics since midnight UTC, amounts in units of 10^-12."""

    open: int = 0
    high: int = 0
    low: int = 0
    weighted_average: int = 0
    volume: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """Amounts are units of 10^-12; times are Unix ms of the exchange's clock. `open` is 0 where it is not known."""

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
    today: Today = Today()
    price_decimals: int = 8
    volume_decimals: int = 8
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
        """Return the row of a symbol that nobody has traded for a day, or for ever: every amount is zero."""
        zeros: dict[str, Any] = dict.fromkeys(AMOUNTS, 0)
        return replace(
            self,
            **zeros,
            first_id=NO_TRADE_ID,
            last_id=NO_TRADE_ID,
            count=0,
            today=Today(),
            recorded_row=None,
        )

    def repriced(self, last: int) -> "Ticker":
        """Return the ticker after one more trade at `last`, bid and ask moved along with it."""
        today = replace(self.today, high=max(self.today.high, last), low=min(self.today.low, last))
        return replace(
            self,
            last=last,
            high=max(self.high, last),
            low=min(self.low, last),
            bid=self.bid and max(0, self.bid + last - self.last),
            ask=self.ask and max(last, self.ask + last - self.last),
            today=today,
            recorded_row=None,
        )
