import threading

import pytest

from market_data.fetcher.shutdown import WorkFailedError, run_until_stopped
from nexusmeme.log_lines import KeyValueFormatter
from tests.fakes import MovableClock


class PassingClock(MovableClock):
    """A second passes between any two looks at it."""

    def monotonic(self):
        self.advance(1)
        return super().monotonic()


def run(work, *, is_stopped=False):
    clock = PassingClock()
    return run_until_stopped(work, should_stop=lambda: is_stopped, patience_seconds=3, monotonic=clock.monotonic)


@pytest.mark.parametrize("outcome", [True, False, None])
def test_the_outcome_of_the_work_is_returned(outcome):
    assert run(lambda: outcome) is outcome


def test_work_that_is_stuck_is_left_behind_when_its_time_is_over():
    is_released = threading.Event()
    try:
        assert run(is_released.wait, is_stopped=True) is None
    finally:
        is_released.set()


def test_an_error_of_the_work_is_no_end_in_peace_and_one_line_of_the_log(caplog):
    def fail():
        raise ZeroDivisionError

    with pytest.raises(WorkFailedError):
        run(fail)

    (record,) = caplog.records
    assert len(KeyValueFormatter().format(record).splitlines()) == 1
    assert "ZeroDivisionError" in KeyValueFormatter().format(record)
