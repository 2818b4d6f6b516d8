"""What an exchange's folder has to offer. Everything around it is the same for all exchanges.

A folder is pure: it says which requests to send and what an answer means. It sends nothing and reads no clock.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from market_data.exchanges.errors import ExchangeError
from market_data.exchanges.response import HttpResponse
from market_data.exchanges.symbols import ListedSymbol

_MAX_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One GET: its path with the query, what it costs of the request weight, the symbols whose tickers it asks for.

    `stands_for_batches` marks one request for the whole market that is made because it costs less than several;
    `batch_size` is how many symbols a request may name that asks for what this one leaves open.
    """

    path_and_query: str
    weight: int
    symbols: tuple[str, ...] = ()
    stands_for_batches: bool = False
    batch_size: int = 1
    max_bytes: int = _MAX_BYTES


class RowState(Enum):
    """What a row itself tells about its market."""

    LIVE = "live"
    DOUBTFUL = "doubtful"
    """It looks frozen; only the list of symbols tells whether the market trades."""
    DEAD = "dead"


class TickerRow(Protocol):
    """One symbol's rolling 24 h figures, as decimal texts in the exchange's own digits.

    Prices are in the quote asset, volume in the base asset, the change in per cent. Where a row has neither the change
    nor `open_24h`, the price of 24 h ago, candles have to tell it. By the exchange's clock, in Unix ms:
    `exchange_time_ms` is the symbol's last event, `made_at_ms` when the exchange wrote the row. None is not told.
    """

    @property
    def symbol(self) -> str: ...
    @property
    def price(self) -> str: ...
    @property
    def volume(self) -> str: ...
    @property
    def change_24h_percent(self) -> str | None: ...
    @property
    def open_24h(self) -> str | None: ...
    @property
    def high_24h(self) -> str: ...
    @property
    def low_24h(self) -> str: ...
    @property
    def exchange_time_ms(self) -> int | None: ...
    @property
    def made_at_ms(self) -> int | None: ...
    @property
    def state(self) -> RowState: ...


@dataclass(frozen=True, slots=True)
class TickerAnswer:
    """What one answer says of the symbols that were asked for.

    `rows` has None for a row that cannot be read. `refused` are symbols that the exchange does not know. `again` are
    requests for what this answer left open. `error` is what the exchange complained of beside the rows.
    """

    rows: Mapping[str, TickerRow | None]
    refused: tuple[str, ...] = ()
    again: tuple[Request, ...] = ()
    error: ExchangeError | None = None


@dataclass(frozen=True, slots=True)
class Candle:
    """The last price of a span of time that began at `opens_at_ms`, Unix ms by the exchange's clock."""

    opens_at_ms: int
    close: str


@dataclass(frozen=True, slots=True)
class SymbolListing:
    """Symbols as the exchange lists them, and its limit of request weight a minute, None where it names none."""

    symbols: Sequence[ListedSymbol]
    weight_limit: int | None = None


class Exchange(Protocol):
    """The facts of one exchange."""

    @property
    def name(self) -> str:
        """What records, metrics and settings call it, such as `binance`."""
        ...

    @property
    def weight_limit(self) -> int:
        """Request weight a minute, until the exchange itself names its limit."""
        ...

    def usual_symbol(self, base_asset: str, quote_asset: str, *, has_alias: bool) -> str | None:
        """Return the symbol of two assets as it is usually formed, for the time without a list.

        `has_alias` tells that another quote asset can stand in. None where a guess would be wrong.
        """
        ...

    def ticker_requests(
        self,
        symbols: Sequence[str],
        *,
        batch_size: int,
        is_suspect: Callable[[str], bool],
        may_ask_for_all: bool,
    ) -> list[Request]:
        """Return the requests that bring these symbols' tickers for the least weight.

        A suspect symbol was refused before: it goes alone, so that it costs no other its answer.
        """
        ...

    def read_tickers(self, request: Request, response: HttpResponse) -> TickerAnswer:
        """Return what the answer says; raise `MalformedAnswerError` or `NoTickersError`."""
        ...

    def list_requests(self) -> Sequence[Request]:
        """Return the request for the list of symbols, then those to try where the exchange refuses it."""
        ...

    def status_request(self, symbols: Sequence[str]) -> Request | None:
        """Return the request that tells which of these symbols trade, None where the whole list costs no more."""
        ...

    def read_list(self, response: HttpResponse) -> SymbolListing:
        """Return the symbols of a list or of a status; raise `MalformedAnswerError` or `RefusedSymbolsError`."""
        ...

    def candles_request(self, symbol: str) -> Request | None:
        """Return the request for five-minute candles of more than a day, None where rows tell the change in 24 h."""
        ...

    def read_candles(self, response: HttpResponse) -> Sequence[Candle]:
        """Return closed candles, oldest first; raise `MalformedAnswerError`."""
        ...

    def error_of(self, response: HttpResponse) -> ExchangeError | None:
        """Return what the response means where it is a failure, None where it is to be read."""
        ...

    def used_weight(self, response: HttpResponse) -> int | None:
        """Return the request weight that this address has used in the current minute, None where it does not tell."""
        ...
