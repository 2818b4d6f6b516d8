"""The lines about refresh cycles that do not fit into their interval and about hosts that fail: one a change."""

import logging
from collections.abc import Callable, Mapping

from market_data.aggregator.cycle import CycleReport
from market_data.exchanges.response import host_of
from market_data.logs.incidents import IncidentLog

logger = logging.getLogger(__name__)

OVERLOAD = "refresh cycles have no time for every pair"
WHOLE_MARKET = "the whole market of {} in one answer is of no use, prices are asked for in batches"
STILL = "the prices of {} stand still"
_COMPLETE_CYCLES_UNTIL_OVER = 3


class CycleLog:
    """Compares each cycle with those before."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._incidents = IncidentLog(logger, monotonic)
        self._complete_cycles = 0

    def note_report(self, report: CycleReport) -> None:
        """Log when cycles begin to leave pairs over, and when they again bring them all for some time."""
        if report.error is not None:
            return
        if report.left_over:
            self._complete_cycles = 0
            self._incidents.began(
                OVERLOAD,
                f"the exchange answers so slowly that {report.left_over} of {len(report.pairs)} pairs must wait for "
                "the next cycle. Prices are older than the interval; ask for fewer pairs, or raise "
                "MARKET_DATA_FETCH_INTERVAL_MS",
            )
            return
        self._complete_cycles += 1
        if self._complete_cycles >= _COMPLETE_CYCLES_UNTIL_OVER:
            self._incidents.over(OVERLOAD)

    def note_whole_market(self, exchange: str, fault: str | None) -> None:
        """Log when answers about the whole market begin to be of no use, and when they are of use again."""
        self._note(WHOLE_MARKET.format(exchange), fault)

    def note_still(self, exchange: str, still_since_ms: int | None) -> None:
        """Log when an exchange's prices stand still, and when they move again."""
        fault = still_since_ms and "its answers come, but nothing in them has changed for a long time"
        self._note(STILL.format(exchange), fault or None)

    def note_hosts(self, exchange: str, faults: Mapping[str, str | None]) -> None:
        """Log when one of several hosts fails, and when it answers again. An only host's faults are the cycles'."""
        if len(faults) > 1:
            for url, fault in faults.items():
                self._note(f"host {host_of(url)} of {exchange} fails, another is asked first", fault)

    def _note(self, kind: str, fault: str | None) -> None:
        if fault is None:
            self._incidents.over(kind)
        else:
            self._incidents.began(kind, fault)
