"""Two fetchers in simulated time, made of the real loop and the real aggregator, that can be killed and frozen."""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from market_data.exchanges.circuit_breaker import CircuitState
from market_data.exchanges.response import HttpResponse
from market_data.fetcher.systemd import ServiceNotifier
from market_data.fetcher.wiring import build_fetcher, build_lease
from market_data.ticker.clock import Clock
from market_data.ticker_cache.errors import CacheUnavailableError
from market_data.ticker_cache.status import FetcherStatus
from tests.simulation.virtual_time import Task

if TYPE_CHECKING:
    from tests.simulation.world import World

NAP_SECONDS = 1.0
"""Processes wake up at multiples of this; naps as short as the real ones would only cost the simulation time."""


class CacheLine:
    """One process's connection to the cache: cut, or slow to write, whatever the cache does for others."""

    def __init__(self, process: "SimulatedFetcher") -> None:
        self._process = process
        self._cache = process.world.cache

    def __getattr__(self, name: str) -> Any:
        if self._process.is_cut_off or not self._process.is_alive:
            raise CacheUnavailableError("no connection to Redis")
        return getattr(self._cache, name)

    @property
    def address(self) -> str:
        return "cache.test:6379/0"

    def read_fetcher(self) -> Any:
        reading = self.__getattr__("read_fetcher")()
        if reading.status is not None:
            for refusal in self._process.world.exchange.refusals:
                if refusal.is_reported:
                    refusal.known_to.add(self._process.lease.token)
        return reading

    def write_tickers(self, *arguments: Any) -> None:
        self._process.world.time.sleep(0.002)
        self.__getattr__("write_tickers")(*arguments)

    def write_status(self, token: str, status: FetcherStatus) -> None:
        self.__getattr__("write_status")(token, status)
        for refusal in self._process.world.exchange.refusals:
            refusal.is_reported |= token in refusal.known_to


class ExchangeLine:
    """One process's way to the exchange, where its obedience is watched."""

    def __init__(self, process: "SimulatedFetcher") -> None:
        self._process = process

    def get(self, base_url: str, path_and_query: str, *, deadline: float, max_bytes: int) -> HttpResponse:
        world, process = self._process.world, self._process
        world.watch_request(process, is_for_tickers="/ticker/" in path_and_query)
        answer = world.exchange.answer(process.lease.token, base_url, path_and_query, deadline)
        process.has_answer()
        process.thaw()
        return answer

    def cancel_all(self) -> None:
        """Nothing is under way: requests of one cycle follow each other here."""


class Background:
    """A job of the process on a task of its own."""

    def __init__(self, process: "SimulatedFetcher", job: Callable[[], None]) -> None:
        self._time = process.world.time
        self.task = self._time.start(job)

    def is_alive(self) -> bool:
        return not self.task.is_over

    def join(self, timeout: float | None = None) -> None:
        self._time.sleep(timeout or 0.0)


class SimulatedFetcher:
    """`run_market_fetcher` from its start to its end."""

    def __init__(self, world: "World", chance: random.Random) -> None:
        self.world = world
        self.is_alive = True
        self.is_cut_off = False
        self.is_told_to_stop = False
        self._frozen_until = self._freeze_after_answer = 0.0
        self._backgrounds: list[Task] = []
        cache: Any = CacheLine(self)
        clock = Clock(world.time.monotonic, world.now_ms, self._nap)
        self.lease = build_lease(world.settings, cache, clock, start_renewing=lambda _: self._keep_lease())
        self._fetcher = build_fetcher(
            world.settings,
            cache,
            clock=clock,
            chance=chance.random,
            should_stop=lambda: self.is_told_to_stop,
            notifier=ServiceNotifier({}),
            lease=self.lease,
            http=ExchangeLine(self),
            start_request=lambda job: job(),  # requests of one cycle follow each other here
            start_listing=self._start_job,
        )
        self.aggregator = self._fetcher.aggregator
        self._task = world.time.start(self._run)

    @property
    def believes_to_be_active(self) -> bool:
        return self.is_alive and self.lease.is_held and not self.is_frozen

    @property
    def is_frozen(self) -> bool:
        return self.world.time.monotonic() < self._frozen_until

    def kill(self) -> None:
        """End it at once, without a word to the cache."""
        self.is_alive = False
        for task in (self._task, *self._backgrounds):
            task.is_killed = True

    def freeze(self, seconds: float) -> None:
        """Stop all of it, as SIGSTOP does, for so long."""
        self._frozen_until = self.world.time.monotonic() + seconds

    def freeze_with_an_answer_in_hand(self, seconds: float) -> None:
        """Stop all of it as soon as the next answer is complete, before it is written."""
        self._freeze_after_answer = seconds

    def has_answer(self) -> None:
        """Note that an answer is complete; the moment for a freeze that waits for it."""
        if self._freeze_after_answer:
            self.freeze(self._freeze_after_answer)
            self._freeze_after_answer = 0.0

    def thaw(self) -> None:
        """Wait for the end of a freeze."""
        while self.is_frozen:
            self.world.time.sleep(self._frozen_until - self.world.time.monotonic())

    def _run(self) -> None:
        self._fetcher.run()
        self.is_alive = False

    def _nap(self, seconds: float) -> None:
        now = self.world.time.monotonic()
        self.world.time.sleep(NAP_SECONDS - (now + seconds) % NAP_SECONDS + seconds)
        self.thaw()

    def _keep_lease(self) -> None:
        if self.is_alive and not self.is_told_to_stop:
            self.world.time.call_in(self.world.settings.lease_ttl_ms / 4000, self._keep_lease)
            if not self.is_frozen:
                self.lease.keep()

    def _start_job(self, job: Callable[[], None]) -> Background:
        assert not self.is_circuit_open, "a list was asked for through an open circuit"
        background = Background(self, job)
        self._backgrounds = [task for task in self._backgrounds if not task.is_over] + [background.task]
        return background

    @property
    def is_circuit_open(self) -> bool:
        return self.aggregator.status()["binance"].circuit_breaker.state == CircuitState.OPEN.value
