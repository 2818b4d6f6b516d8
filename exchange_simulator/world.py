"""What the faults that are switched on make of the market while one request is answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from exchange_simulator.tickers import Ticker

LIVE, FROZEN, ZERO = "live", "frozen", "zero"
ROW_FORMS = (LIVE, FROZEN, ZERO)


_ROW_FORMS: Mapping[str, Callable[[Ticker], Ticker]] = {
    LIVE: lambda ticker: ticker,
    FROZEN: Ticker.frozen,
    ZERO: Ticker.zeroed,
}


def in_row_form(ticker: Ticker, row_form: str) -> Ticker:
    """Return the row that a live, a just delisted or a long delisted symbol shows."""
    return _ROW_FORMS[row_form](ticker)


@dataclass(frozen=True)
class SymbolState:
    """A status other than the listed one, and the form that the symbol's row takes."""

    status: str
    row_form: str


@dataclass(frozen=True)
class PriceChange:
    """`factor` applies to the market's own price, `last` (units of 10^-12) replaces it."""

    factor: float = 1.0
    last: int | None = None

    def apply(self, ticker: Ticker) -> Ticker:
        last = self.last if self.last is not None else max(1, round(ticker.last * self.factor))
        return ticker.repriced(last)


@dataclass(frozen=True)
class StaleCache:
    """An edge cache that keeps an answer for so long, that was so old when it came, and says so or does not."""

    seconds: float
    age_seconds: float
    is_told: bool


@dataclass(frozen=True)
class World:
    clock_offset_ms: int = 0
    used_weight: int | None = None
    unknown_symbols: frozenset[str] = frozenset()
    renamed_symbols: Mapping[str, str] = field(default_factory=dict)
    """The new name of each symbol that has one, by its own."""
    states: Mapping[str, SymbolState] = field(default_factory=dict)
    price_changes: Mapping[str | None, PriceChange] = field(default_factory=dict)
    dollars: Mapping[str, float] = field(default_factory=dict)
    """What assets are worth in place of what the market makes them."""
    system_status: str | None = None
    answers_unknown_with_404: bool = False
    stale_cache: StaleCache | None = None

    def shown_name(self, symbol: str) -> str | None:
        """Return the name under which a symbol of the market appears; None where another one has taken its name."""
        if symbol in self.renamed_symbols:
            return self.renamed_symbols[symbol]
        return None if symbol in self.renamed_symbols.values() else symbol

    def own_name(self, shown: str) -> str | None:
        """Return the market's own name of the symbol that appears under this one; None where none does."""
        for own, new in self.renamed_symbols.items():
            if new == shown:
                return own
        return None if shown in self.renamed_symbols else shown

    def price_change(self, symbol: str) -> PriceChange | None:
        return self.price_changes.get(symbol) or self.price_changes.get(None)
