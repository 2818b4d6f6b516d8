"""One exchange as the aggregator deals with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from market_data.aggregator.day_ago import DayAgoPrices
from market_data.aggregator.movement import Movement
from market_data.aggregator.quarantine import Quarantine
from market_data.aggregator.symbol_book import SymbolBook
from market_data.exchanges.circuit_breaker import CircuitState
from market_data.exchanges.gateway import ExchangeGateway, Received
from market_data.exchanges.protocol import Exchange, Request, TickerAnswer
from market_data.ticker_cache.status import CircuitStatus, ExchangeReport, ExchangeStatus, RateLimitStatus

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
    day_ago: DayAgoPrices
    movement: Movement
    whole_market: WholeMarketRequests = field(default_factory=WholeMarketRequests)

    @property
    def name(self) -> str:
        return self.exchange.name

    def keep_current(self, in_use: Sequence[str]) -> None:
        """Take in what was asked beside the cycles, and ask for what is due; return at once."""
        usual = tuple(symbol for symbol in dict.fromkeys(in_use) if not self.quarantine.is_suspect(symbol))
        # While it is open whether the exchange answers at all, one ticker request finds out, and nothing else asks.
        may_ask = not self.gateway.needs_probe
        self.symbols.keep_current(usual, may_ask=may_ask)
        self.day_ago.keep_current(usual, may_ask=may_ask)
        if self.symbols.symbols is not None and self.symbols.loaded_at is not None:
            self.quarantine.pardon(self.symbols.symbols.is_trading, self.symbols.loaded_at)

    def report(self, now_ms: int) -> ExchangeReport:
        """Return circuit, rate limit and state, waits as instants in Unix ms."""
        gateway, symbols = self.gateway, self.symbols
        faults = gateway.hosts.faults()
        breaker, weight, waits = gateway.breaker.snapshot(), gateway.budget.snapshot(), gateway.waits.snapshot()

        def instant(seconds_from_now: float) -> int | None:
            return now_ms + round(seconds_from_now * 1000) if seconds_from_now > 0 else None

        return ExchangeReport(
            CircuitStatus(
                state=breaker.state.value,
                consecutive_failures=breaker.consecutive_failures,
                retry_at=instant(breaker.retry_after_seconds) if breaker.state is CircuitState.OPEN else None,
            ),
            RateLimitStatus(
                used_weight=weight.used,
                limit=weight.limit,
                retry_at=instant(max(waits.rate_limit_seconds, weight.retry_after_seconds)),
                intervals_per_cycle=gateway.budget.cycles_per_refresh() or 1,
            ),
            ExchangeStatus(
                host=gateway.host,
                source=gateway.source,
                banned_until=instant(waits.ban_seconds),
                symbols_loaded_at=symbols.loaded_at_ms,
                symbols_error=symbols.error,
                still_since=self.movement.still_since_ms,
                fault=faults[gateway.hosts.best] if all(faults.values()) else None,
            ),
        )

    def note_answer(self, request: Request, received: Received[TickerAnswer], cycle: int) -> None:
        """Judge the whole market's answer by how much of what was wanted is in it."""
        if request.stands_for_batches:
            found, wanted = len(received.content.rows), len(request.symbols)
            if found < wanted / 2:
                self.whole_market.failed(cycle, f"{found} of {wanted} tickers were in an answer about the whole market")
            else:
                self.whole_market.succeeded()

    def ticker_requests(self, symbols: list[str], batch_size: int, cycle: int) -> list[Request]:
        """Return the requests of a cycle. A probe goes ahead of the others, and is small."""
        return self.exchange.ticker_requests(
            symbols,
            batch_size=batch_size,
            is_suspect=self.quarantine.is_suspect,
            may_ask_for_all=self.whole_market.may_be_made(cycle) and not self.gateway.needs_probe,
        )
