"""Trouble in the stack's own processes. They are paused, not killed, for a development stack ends with any of them."""

from exchange_simulator.drills.drill import Drill
from exchange_simulator.drills.rehearsal import Rehearsal

NOTICED_SECONDS = 15.0
MOST_ANSWERS_SECONDS = 3.0
"""Of `prices`, `health` and `init` one after the other."""


def _paused_fetcher(rehearsal: Rehearsal) -> str:
    before = rehearsal.look()
    rehearsal.pause("fetcher")
    noticed = rehearsal.until(lambda seen: not seen.is_fetcher_running, "isRunning false in init", NOTICED_SECONDS)
    return f"isRunning false after {noticed.at - before.at:.1f} s; {rehearsal.recover()}"


def _paused_cache(rehearsal: Rehearsal) -> str:
    rehearsal.pause("cache")
    rehearsal.until(lambda seen: seen.health_status == 503, "503 of health", NOTICED_SECONDS)
    slowest = max(seen.seconds for seen in rehearsal.history)
    rehearsal.require(slowest < MOST_ANSWERS_SECONDS, f"three answers took {slowest:.1f} s")
    statuses = rehearsal.price_statuses
    rehearsal.require(set(statuses.split("/")) <= {"200", "503"}, f"prices answered {statuses}")
    return f"health 503, prices {statuses}; three answers in {slowest:.1f} s at most; {rehearsal.recover()}"


PROCESS_DRILLS = (
    Drill("paused-fetcher", "the fetcher hangs", "isRunning false within 15 s; fresh within 30 s once it goes on",
          _paused_fetcher, needs_process="fetcher"),
    Drill("paused-cache", "the cache hangs", "health 503, three answers within 3 s; fresh within 30 s once it goes on",
          _paused_cache, needs_process="cache"),
)  # fmt: skip
