"""What a drill works with: faults to switch on, readers' eyes to watch with, and everything made well at its end."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from exchange_simulator.drills.answers import NoAnswerError
from exchange_simulator.drills.exchange import Fault
from exchange_simulator.drills.service import Prices, Snapshot

POLL_SECONDS = 0.2
RECOVERY_SECONDS = 30.0
SETTLING_SECONDS = 60.0


class DrillFailedError(Exception):
    """What had to hold did not; the message says what was seen instead."""


class FaultsLeftOnError(Exception):
    """The faults could not be switched off; the message says how to do it by hand."""


class Exchange(Protocol):
    @property
    def faults_url(self) -> str: ...

    def switch_on(self, fault: Fault) -> None: ...

    def switch_all_off(self) -> None: ...

    def longest_silence_after(self, status: int) -> float: ...


class Service(Protocol):
    def snapshot(self, pairs: Sequence[str], at: float) -> Snapshot: ...

    def prices(self, pairs: Sequence[str], max_stale_ms: int = 0) -> Prices: ...


class Rehearsal:
    """One drill's tools. Leaving the context ends every fault and lets every paused process go on.

    `symbols` are those of the pairs that are watched, `pids` the processes that may be paused, by name.
    """

    def __init__(
        self,
        service: Service,
        exchange: Exchange,
        symbols: Mapping[str, str],
        *,
        pids: Mapping[str, int],
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self.exchange = exchange
        self.symbols = symbols
        self.pairs = tuple(symbols)
        self.history: list[Snapshot] = []
        """Everything seen since the drill began."""
        self._service = service
        self._pids = pids
        self._monotonic = monotonic
        self._sleep = sleep
        self._paused: list[int] = []

    def __enter__(self) -> Self:
        self.until(self.is_well, "all prices fresh before the drill", SETTLING_SECONDS)
        self.history.clear()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.make_well()

    def make_well(self) -> None:
        """Let paused processes go on and switch all faults off; raise `FaultsLeftOnError` where that fails."""
        while self._paused:
            with suppress(ProcessLookupError):
                os.kill(self._paused.pop(), signal.SIGCONT)
        try:
            self.exchange.switch_all_off()
        except NoAnswerError as error:
            raise FaultsLeftOnError(
                f"The faults may still be on: {error}. By hand: curl -X DELETE {self.exchange.faults_url}"
            ) from error

    def pause(self, name: str) -> None:
        """Stop a process of the stack with SIGSTOP, as a machine that swaps or hangs does."""
        self._paused.append(self._pids[name])
        os.kill(self._pids[name], signal.SIGSTOP)

    def look(self) -> Snapshot:
        """Return what readers see now."""
        self.history.append(self._service.snapshot(self.pairs, self._monotonic()))
        return self.history[-1]

    def marked_prices(self) -> Prices:
        """Return what a reader gets who accepts prices of up to an hour past their life."""
        return self._service.prices(self.pairs, max_stale_ms=3_600_000)

    def until(self, is_reached: Callable[[Snapshot], bool], what: str, seconds: float = RECOVERY_SECONDS) -> Snapshot:
        """Look until it is reached; raise `DrillFailedError` after the deadline."""
        deadline = self._monotonic() + seconds
        while not is_reached(seen := self.look()):
            if self._monotonic() > deadline:
                raise DrillFailedError(f"{what}: not within {seconds:g} s")
            self._sleep(POLL_SECONDS)
        return seen

    def watch(self, seconds: float) -> Snapshot:
        """Look on for so long."""
        end = self._monotonic() + seconds
        return self.until(lambda seen: seen.at >= end, "the end of the watch", seconds + RECOVERY_SECONDS)

    def recover(self, seconds: float = RECOVERY_SECONDS) -> str:
        """End the faults, wait until every price is newer than that, and say how long it took."""
        self.make_well()
        began_at, ended_ms = self._monotonic(), self.look().prices.now_ms
        seen = self.until(lambda seen: self.is_well(seen, ended_ms), "fresh prices after the fault", seconds)
        return f"fresh after {seen.at - began_at:.1f} s"

    def is_well(self, seen: Snapshot, since_ms: int = 0) -> bool:
        """Tell whether every pair has a current price received after that instant, and nothing waits."""
        prices = seen.prices
        is_current = prices.status == 200 and min(row["timestamp"] for row in prices.records.values()) >= since_ms
        has_trouble = any(pair in seen.outcomes for pair in self.pairs) or seen.last_error
        return is_current and not has_trouble and seen.breaker == "closed" and seen.is_fetcher_running

    def require(self, is_true: bool, seen: str) -> None:
        """Raise `DrillFailedError` with what was seen instead."""
        if not is_true:
            raise DrillFailedError(seen)

    @property
    def price_statuses(self) -> str:
        """The statuses that `prices` answered with since the drill began."""
        return "/".join(sorted({str(seen.prices.status) for seen in self.history}))
