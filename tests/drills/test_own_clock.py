"""Our own clock jumps an hour forward and back under fetcher and web server, while the monotonic clock goes on."""

import signal
import time
from pathlib import Path

import pytest

from tests.drills.conftest import TICKERS, Hall
from tests.drills.recovery_times import RecoveryTimes
from tests.process_facts import wait_until

HOUR_SECONDS = 3600
MOST_AGE_MS = 4_000
"""Two intervals."""
TOLERANCE_MS = 150
# Python imports this module at its start. Shims below the interpreter do not do: libfaketime 0.9.10 makes time.sleep
# fail once the monotonic clock is left alone.
MOVED_CLOCK = """
import os, time
real_time_ns = time.time_ns
def moved_time_ns():
    with open(os.environ["CLOCK_OFFSET_FILE"]) as file:
        return real_time_ns() + int(file.read()) * 10**9
time.time_ns = moved_time_ns
time.time = lambda: moved_time_ns() / 1e9
"""


class OwnClock:
    """The wall clock of the processes that get `variables`: so many seconds off, from one instant to the next."""

    def __init__(self, folder: Path) -> None:
        self._file, self._next = folder / "offset", folder / "next-offset"
        (folder / "sitecustomize.py").write_text(MOVED_CLOCK)
        self.variables = {"PYTHONPATH": str(folder), "CLOCK_OFFSET_FILE": str(self._file)}
        self.jump_to(0)

    def jump_to(self, offset_seconds: int) -> None:
        self._next.write_text(str(offset_seconds))
        self._next.replace(self._file)


class Watch:
    """Reads prices, and compares their ages with what is true by the exchange's own record."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self.statuses: set[int] = set()
        self.too_fresh: list[str] = []

    def ages_ms(self) -> dict[str, int]:
        """Return the ages that readers see now, apart from now in either direction."""
        began = time.monotonic()
        reply = self._hall.get("prices")
        self.statuses.add(reply.status)
        now_ms = int(reply.headers["X-Market-Data-Time"])
        ages = {pair: abs(now_ms - record["timestamp"]) for pair, record in reply.content.items()}
        answered = [request.finished_monotonic for request in self._hall.exchange.requests.last(path_ending=TICKERS)]
        least_ms = (began - max(instant for instant in answered if instant)) * 1000
        self.too_fresh += [f"{age} ms, in truth {least_ms}" for age in ages.values() if age < least_ms - TOLERANCE_MS]
        return ages


@pytest.fixture
def clock(hall: Hall, tmp_path: Path) -> OwnClock:
    clock = OwnClock(tmp_path)
    hall.variables |= clock.variables
    return clock


def test_ages_are_right_one_cycle_after_our_clock_jumped_and_meanwhile_nothing_looks_fresher(
    hall: Hall, clock: OwnClock, recovery: RecoveryTimes
) -> None:
    fetcher = hall.start()
    watch = Watch(hall)
    for offset_seconds, way in ((HOUR_SECONDS, "forward"), (0, "back"), (-HOUR_SECONDS, "back"), (0, "forward")):
        wait_for_a_new_cycle(hall, fetched(hall))
        cycles = fetched(hall)
        fetcher.send(signal.SIGSTOP)  # so that what is read next is read before the next cycle
        clock.jump_to(offset_seconds)
        in_between, health, init, page = watch.ages_ms(), hall.get("health"), hall.get("init"), hall.get("/")
        fetcher.send(signal.SIGCONT)
        with recovery.measured(f"our clock jumps an hour {way}: until every age is right"):
            wait_until(lambda: max(watch.ages_ms().values()) < MOST_AGE_MS, "the right ages", 10)
        assert fetched(hall) <= cycles + 2, "after one cycle, or the one under way"

        assert min(in_between.values()) > (HOUR_SECONDS - 60) * 1000
        assert health.content["pairs"]["fresh"] == 0
        assert init.content["fetcher"]["health"]["cacheAge"] > (HOUR_SECONDS - 60) * 1000
        assert init.content["fetcher"]["health"]["isCacheStale"] is True
        assert 'data-state="live"' not in page.body.decode()
        assert set(hall.outcomes().values()) == {"ok"}
        wait_until(lambda: hall.get("health").content["status"] == "healthy", "health", 10)

    assert watch.too_fresh == []
    assert watch.statuses == {200}, "no pair is blocked, and none is lost"
    assert fetcher.log.count("change=lease") == 1
    assert "Traceback" not in fetcher.log


def fetched(hall: Hall) -> int:
    """Return how many cycles were reported."""
    attempts: int = hall.get("init").content["fetcher"]["stats"]["fetchAttempts"]
    return attempts


def wait_for_a_new_cycle(hall: Hall, cycles: int) -> None:
    wait_until(lambda: fetched(hall) > cycles, "a cycle")
