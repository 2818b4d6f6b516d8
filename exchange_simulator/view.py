"""What one request sees: a market at an instant, as the faults leave it. Each exchange adds the form of its rows."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from exchange_simulator.market import Market
from exchange_simulator.tickers import Row
from exchange_simulator.world import World

NamedRow = tuple[str | None, Any]
"""A ticker's row and its symbol; None for what is no row."""


@dataclass(frozen=True)
class MarketView(ABC):
    """`now_ms` is Unix ms of this machine, `target` path and query of the request."""

    market: Market
    now_ms: int
    world: World
    target: str

    @property
    def exchange_time_ms(self) -> int:
        return self.now_ms + self.world.clock_offset_ms

    @abstractmethod
    def row(self, symbol: str) -> Row | None:
        """Return a symbol's ticker as the exchange writes it; None where it has none."""

    @abstractmethod
    def rows(self, payload: Any) -> list[NamedRow]:
        """Return the tickers that an answer carries; none where it is about something else."""

    @abstractmethod
    def with_rows(self, payload: Any, rows: Iterable[NamedRow]) -> Any:
        """Return the answer with these tickers in place of its own."""
