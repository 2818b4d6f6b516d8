"""The lines about refresh cycles that do not fit into their interval and about hosts that fail: one a change."""

import logging
from collections.abc import Callable, Mapping

from market_data.aggregator.cycle import CycleReport
from market_data.exchanges.response import host_of
from market_data.logs.incidents import IncidentLog

logger = logging.getLogger(__name__)

OVERLOAD = "refresh cycles have no time for every pair"
WHOLE_MARKET = "the exchange's whole market in one answer is of no use, prices are asked for in batches"
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

    def note_whole_market(self, fault: str | None) -> None:
        """Log when answers about the whole market begin to be of no use, and when they are of use again."""
        if fault is None:
            self._incidents.over(WHOLE_MARKET)
        else:
            self._incidents.began(WHOLE_MARKET, fault)

    def note_hosts(self, faults: Mapping[str, str | None]) -> None:
        """Log when one of several hosts fails, and when it answers again. An only host's faults are the cycles'."""
        if len(faults) < 2:
            return
        for url, fault in faults.items():
            kind = f"host {host_of(url)} of the exchange fails, another is asked first"
            if fault is None:
                self._incidents.over(kind)
            else:
                self._incidents.began(kind, fault)
