import logging

import pytest

from market_data.aggregator.cycle import CycleReport
from market_data.aggregator.symbols import ResolvedPair
from market_data.fetcher.cycle_stats import CycleStats
from market_data.logs.incidents import IncidentLog
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.source import Source
from tests.fakes import MovableClock


class Journal:
    """A journal whose lines a test can read."""

    def __init__(self, caplog):
        self.clock = MovableClock()
        self.journal = CycleStats(monotonic=self.clock.monotonic)
        self._caplog = caplog

    def cycle(self, error=None, source=Source.BINANCE, **outcomes):
        outcomes = {f"{base}/USDT": outcome for base, outcome in outcomes.items()}
        resolved = {pair: ResolvedPair(pair, pair.replace("/", ""), *pair.split("/"), False) for pair in outcomes}
        self.journal.cycle_begins()
        self.journal.cycle_ended(
            CycleReport(resolved, outcomes, 0 if error else 1, 234, error, 0, self.clock.now_ms()), source
        )
        self.clock.advance(4)

    @property
    def lines(self):
        return self._caplog.messages


@pytest.fixture
def journal(caplog):
    caplog.set_level(logging.INFO, "market_data")
    return Journal(caplog)


def test_successes_and_errors_add_up_to_the_attempts(journal):
    journal.cycle()
    journal.cycle(error="no answer")
    journal.cycle()
    stats = journal.journal.stats

    assert (stats.fetch_attempts, stats.fetch_successes, stats.fetch_errors) == (3, 2, 1)


def test_an_error_is_the_last_one_until_a_cycle_succeeds_and_leaves_the_last_fetch_as_it_was(journal):
    journal.cycle()
    fetched_at = journal.journal.stats.last_fetch_time
    journal.cycle(error="no answer")
    assert (journal.journal.stats.last_error, journal.journal.stats.last_fetch_time) == ("no answer", fetched_at)

    journal.cycle()
    assert journal.journal.stats.last_error is None
    assert journal.journal.stats.last_fetch_time > fetched_at
    assert journal.journal.stats.last_fetch_duration_ms == 234


def test_failures_in_a_row_are_counted_until_a_success(journal):
    for _ in range(3):
        journal.cycle(error="no answer")
    assert journal.journal.failures_in_a_row == 3

    journal.cycle()
    assert journal.journal.failures_in_a_row == 0


def test_an_outage_has_one_line_when_it_begins_and_one_with_its_length_when_it_is_over(journal):
    for _ in range(5):
        journal.cycle(error="no answer")
    assert len(journal.lines) == 1
    assert "no answer" in journal.lines[0]

    journal.cycle()
    journal.cycle()
    assert len(journal.lines) == 2
    assert "20.0 s" in journal.lines[1]


def test_a_pair_s_outcome_is_logged_when_it_changes_and_never_once_a_cycle(journal):
    for outcome in (PairOutcome.OK, PairOutcome.OK, PairOutcome.TIMEOUT, PairOutcome.TIMEOUT, PairOutcome.OK):
        journal.cycle(BTC=outcome)

    assert journal.lines == ["ok: BTC/USDT", "timeout: BTC/USDT", "ok: BTC/USDT"]


def test_a_change_of_many_pairs_is_one_short_line(journal):
    journal.cycle(**{f"A{number}": PairOutcome.TIMEOUT for number in range(300)})

    assert len(journal.lines) == 1
    assert len(journal.lines[0]) < 300
    assert "290 more" in journal.lines[0]


def test_simulated_prices_are_announced_once(journal):
    for _ in range(3):
        journal.cycle(source=Source.SIMULATOR)

    assert ["SIMULATED" in line for line in journal.lines] == [True]


def test_incidents_of_different_kinds_do_not_end_one_another(caplog):
    clock = MovableClock()
    log = IncidentLog(logging.getLogger("market_data.test"), clock.monotonic)
    with caplog.at_level(logging.WARNING):
        log.began("fetching failed", "no answer")
        log.began("the cache is away", "no connection")
        clock.advance(3)
        log.over("the cache is away")
        log.over("the cache is away")
        clock.advance(3)
        log.over("fetching failed")

    assert len(caplog.messages) == 4
    assert "6.0 s" in caplog.messages[-1]
