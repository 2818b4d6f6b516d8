"""Simulated exchanges on TCP ports, in threads of the calling process."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from exchange_simulator.binance.exchange import BinanceExchange
from exchange_simulator.binance.weights import WeightCounter
from exchange_simulator.exchange import SimulatedExchange
from exchange_simulator.faults import Faults
from exchange_simulator.formats import FORMATS
from exchange_simulator.generated import DEFAULT_SYMBOL_COUNT
from exchange_simulator.http_server import ExchangeServer
from exchange_simulator.market import Market, MarketSource
from exchange_simulator.request_log import RequestLog


def unix_now_ms() -> int:
    return time.time_ns() // 1_000_000


class RunningSimulator:
    """One exchange: `with RunningSimulator(seed=1) as exchange: get(exchange.base_url + ...)`.

    Switch faults with `faults.add("status", status=503)`, read what was asked from `requests`.
    `stop` and `start` play an exchange that goes away and comes back at the same address.
    """

    def __init__(
        self,
        name: str = BinanceExchange.name,
        *,
        symbols: int = DEFAULT_SYMBOL_COUNT,
        seed: int = 1,
        market: MarketSource | None = None,
        is_still: bool = False,
        weight_limit: int | None = None,
        cache_seconds: float | None = None,
        started_at_ms: int | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        form = FORMATS[name]
        source = market or form.generate(symbol_count=symbols, seed=seed)
        started = Market(source, started_at_ms=started_at_ms or unix_now_ms(), seed=seed, is_still=is_still)
        options: dict[str, Any] = {} if cache_seconds is None else {"cache_seconds": cache_seconds}
        if name == BinanceExchange.name:
            options["weight_limit"] = weight_limit
        self.exchange: SimulatedExchange = form.simulate(started, now_ms=unix_now_ms, **options)
        self._host = host
        self._port = port
        self._server: ExchangeServer | None = None

    @property
    def faults(self) -> Faults:
        return self.exchange.faults

    @property
    def requests(self) -> RequestLog:
        return self.exchange.requests

    @property
    def weights(self) -> WeightCounter:
        """Return the count of request weight, which only Binance has."""
        if not isinstance(self.exchange, BinanceExchange):
            raise TypeError(f"{self.exchange.name} counts no request weight")
        return self.exchange.weights

    @property
    def base_url(self) -> str:
        return f"http://{self._host}:{self._port}"

    def start(self) -> None:
        """Serve; raise OSError where the port is taken."""
        self._server = ExchangeServer(self._host, self._port, self.exchange)
        self._port = self._server.server_port
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def __enter__(self) -> "RunningSimulator":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class RunningExchanges:
    """Several exchanges of one simulated market: `with RunningExchanges() as exchanges: exchanges["kraken"].base_url`.

    `ports` and recorded `markets` are by exchange, `options` are those of `RunningSimulator` for each of them. A fault
    of the whole market holds at all of them.
    """

    def __init__(
        self,
        names: Iterable[str] = FORMATS,
        *,
        ports: Mapping[str, int] | None = None,
        markets: Mapping[str, MarketSource] | None = None,
        **options: Any,
    ) -> None:
        started_at_ms = unix_now_ms()
        self._running = {
            name: RunningSimulator(
                name,
                started_at_ms=started_at_ms,
                port=(ports or {}).get(name, 0),
                market=(markets or {}).get(name),
                **options,
            )
            for name in names
        }
        faults = [running.faults for running in self]
        for one in faults:
            one.share_market_with(faults)
        self._exit_stack = ExitStack()

    def __getitem__(self, name: str) -> RunningSimulator:
        return self._running[name]

    def __iter__(self) -> Iterator[RunningSimulator]:
        return iter(self._running.values())

    def __enter__(self) -> "RunningExchanges":
        with ExitStack() as stack:
            for running in self:
                stack.enter_context(running)
            self._exit_stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exit_stack.close()
