"""One exchange as the aggregator deals with it."""

from dataclasses import dataclass, field

from market_data.aggregator.quarantine import Quarantine
from market_data.aggregator.symbol_book import SymbolBook
from market_data.exchanges.gateway import ExchangeGateway
from market_data.exchanges.protocol import Exchange, Request

_CYCLES_WITHOUT = 8


class WholeMarketRequests:
    """Whether the next cycle may ask for everything at once: after a failure some cycles ask in batches."""

    def __init__(self) -> None:
        self._next_cycle = 0
        self.fault: str | None = None

    def may_be_made(self, cycle: int) -> bool:
        return cycle >= self._next_cycle

    def failed(self, cycle: int, fault: str) -> None:
        self.fault = fault
        self._next_cycle = cycle + 1 + _CYCLES_WITHOUT

    def succeeded(self) -> None:
        self.fault = None


@dataclass(frozen=True, slots=True)
class Venue:
    """The facts of an exchange, the way out to it, its list of symbols, and the symbols that it refused."""

    exchange: Exchange
    gateway: ExchangeGateway
    symbols: SymbolBook
    quarantine: Quarantine
    whole_market: WholeMarketRequests = field(default_factory=WholeMarketRequests)

    @property
    def name(self) -> str:
        return self.exchange.name

    def ticker_requests(self, symbols: list[str], batch_size: int, cycle: int) -> list[Request]:
        """Return the requests of a cycle. A probe goes ahead of the others, and is small."""
        return self.exchange.ticker_requests(
            symbols,
            batch_size=batch_size,
            is_suspect=self.quarantine.is_suspect,
            may_ask_for_all=self.whole_market.may_be_made(cycle) and not self.gateway.needs_probe,
        )
