import logging
from decimal import Decimal

import pytest

from market_data.aggregator.cycle import CycleReport
from market_data.aggregator.routing import Candidate
from market_data.aggregator.symbols import ResolvedPair
from market_data.fetcher.cycle_stats import CycleStats
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import TickerRecord
from market_data.ticker.source import Source
from tests.fakes import MovableClock


class Cycles:
    """The statistics of cycles, and the lines of the log."""

    def __init__(self, caplog):
        self.clock = MovableClock()
        self.stats = CycleStats(monotonic=self.clock.monotonic)
        self._caplog = caplog

    def cycle(self, error=None, source=Source.BINANCE, **outcomes):
        outcomes = {f"{base}/USDT": outcome for base, outcome in outcomes.items()}
        delivering = {pair: Candidate("binance", pair.replace("/", ""), pair.split("/")[1]) for pair in outcomes}
        resolved = {pair: ResolvedPair(pair, *pair.split("/"), (delivering[pair],)) for pair in outcomes}
        one = Decimal(1)
        record = TickerRecord("BTC/USDT", one, one, self.clock.now_ms(), one, one, one)
        records = {} if error else {record.pair: record}
        self.stats.cycle_begins()
        self.stats.cycle_ended(CycleReport(resolved, delivering, outcomes, records, 234, error), source)
        self.clock.advance(4)

    @property
    def lines(self):
        return self._caplog.messages


@pytest.fixture
def cycles(caplog):
    caplog.set_level(logging.INFO, "market_data")
    return Cycles(caplog)


def test_successes_and_errors_add_up_to_the_attempts(cycles):
    cycles.cycle()
    cycles.cycle(error="no answer")
    cycles.cycle()
    stats = cycles.stats.stats

    assert (stats.fetch_attempts, stats.fetch_successes, stats.fetch_errors) == (3, 2, 1)


def test_an_error_is_the_last_one_until_a_cycle_succeeds_and_leaves_the_last_fetch_as_it_was(cycles):
    cycles.cycle()
    fetched_at = cycles.stats.stats.last_fetch_time
    cycles.cycle(error="no answer")
    assert (cycles.stats.stats.last_error, cycles.stats.stats.last_fetch_time) == ("no answer", fetched_at)

    cycles.cycle()
    assert cycles.stats.stats.last_error is None
    assert cycles.stats.stats.last_fetch_time > fetched_at
    assert cycles.stats.stats.last_fetch_duration_ms == 234


def test_failures_in_a_row_are_counted_until_a_success(cycles):
    for _ in range(3):
        cycles.cycle(error="no answer")
    assert cycles.stats.failures_in_a_row == 3

    cycles.cycle()
    assert cycles.stats.failures_in_a_row == 0


def test_an_outage_has_one_line_when_it_begins_and_one_with_its_length_when_it_is_over(cycles):
    for _ in range(5):
        cycles.cycle(error="no answer")
    assert len(cycles.lines) == 1
    assert "no answer" in cycles.lines[0]

    cycles.cycle()
    cycles.cycle()
    assert len(cycles.lines) == 2
    assert "20.0 s" in cycles.lines[1]


def test_a_pair_s_outcome_is_logged_when_it_changes_and_never_once_a_cycle(cycles):
    for outcome in (PairOutcome.OK, PairOutcome.OK, PairOutcome.TIMEOUT, PairOutcome.TIMEOUT, PairOutcome.OK):
        cycles.cycle(BTC=outcome)

    assert cycles.lines == ["ok: BTC/USDT", "timeout: BTC/USDT", "ok: BTC/USDT"]


def test_a_change_of_many_pairs_is_one_short_line(cycles):
    cycles.cycle(**{f"A{number}": PairOutcome.TIMEOUT for number in range(300)})

    assert len(cycles.lines) == 1
    assert len(cycles.lines[0]) < 300
    assert "290 more" in cycles.lines[0]


def test_simulated_prices_are_announced_once(cycles):
    for _ in range(3):
        cycles.cycle(source=Source.SIMULATOR)

    assert ["SIMULATED" in line for line in cycles.lines] == [True]
