"""The own clocks of fetcher and web server are an hour off and jump; Redis' clock is the one that counts."""

import json
import time
from pathlib import Path

from market_data.inspection.health import SIMULATED
from tests.drills.conftest import TICKERS, Hall
from tests.process_facts import wait_until
from tests.web_site import now_ms

HOUR_SECONDS = 3600
FAR_OFF_MS = 60_000
"""More than any wait of a test, and far less than an hour."""
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
        folder.mkdir()
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

    def oldest_ms(self) -> int:
        """Return the age of the oldest price that a reader sees now."""
        began = time.monotonic()
        reply = self._hall.get("prices")
        self.statuses.add(reply.status)
        now_ms = int(reply.headers["X-Market-Data-Time"])
        ages = {pair: now_ms - record["timestamp"] for pair, record in reply.content.items()}
        answered = [request.finished_monotonic for request in self._hall.exchange.requests.last(path_ending=TICKERS)]
        least_ms = (began - max(instant for instant in answered if instant)) * 1000
        self.too_fresh += [f"{age} ms, in truth {least_ms}" for age in ages.values() if age < least_ms - TOLERANCE_MS]
        return max(ages.values())


def test_no_clock_of_a_web_server_or_fetcher_changes_an_age_and_health_and_log_name_the_host(
    hall: Hall, tmp_path: Path
) -> None:
    web, fetching = OwnClock(tmp_path / "web"), OwnClock(tmp_path / "fetcher")
    web.jump_to(HOUR_SECONDS)
    fetching.jump_to(-HOUR_SECONDS)
    hall.start_web(**web.variables)
    fetcher = hall.start_fetcher(**fetching.variables)
    hall.wait_for_prices()
    watch = Watch(hall)
    for web_seconds, fetcher_seconds in ((HOUR_SECONDS, -HOUR_SECONDS), (-HOUR_SECONDS, HOUR_SECONDS), (0, 0)):
        web.jump_to(web_seconds)
        fetching.jump_to(fetcher_seconds)
        cycles = fetched(hall)
        while fetched(hall) < cycles + 2:
            assert watch.oldest_ms() < FAR_OFF_MS
        init, page, health = hall.get("init"), hall.get("/"), hall.get("health")

        for reply in (init, page, health, hall.get("pairs"), hall.get("prices?pairs=nonsense")):
            assert abs(int(reply.headers["X-Market-Data-Time"]) - now_ms()) < FAR_OFF_MS
        assert init.content["fetcher"]["health"]["cacheAge"] < FAR_OFF_MS
        assert page.body.count(b'data-state="live"') >= 2
        assert health.content["status"] == "healthy"
        report = json.loads(hall.client.get("market_data_fetcher:status"))
        assert abs(report["startedAt"] - now_ms()) < FAR_OFF_MS
        assert abs(report["heartbeatAt"] - now_ms()) < FAR_OFF_MS
        assert abs(report["clock"]["aheadMs"] - fetcher_seconds * 1000) < FAR_OFF_MS
        way = "behind" if web_seconds < 0 else "ahead of"
        named = [f"The clock of {report['clock']['host']} is 3600.0 s {way}"] if web_seconds else []
        assert [reason.partition(" Redis'")[0] for reason in health.content["reasons"]] == [SIMULATED, *named]

    assert watch.too_fresh == []
    assert watch.statuses == {200}, "no pair is blocked, and none is lost"
    wait_until(lambda: "clock: over after" in fetcher.log, "the line of the end")
    assert fetcher.log.count(" s behind Redis'") == 1
    assert "Traceback" not in fetcher.log


def fetched(hall: Hall) -> int:
    """Return how many cycles were reported."""
    attempts: int = hall.get("init").content["fetcher"]["stats"]["fetchAttempts"]
    return attempts
