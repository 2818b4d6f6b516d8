import logging

import pytest

from nexusmeme.log_filters import OncePerMinute, is_unexpected
from tests.fakes import MovableClock


def record() -> logging.LogRecord:
    try:
        raise ValueError("a reader's doing")
    except ValueError as error:
        return logging.LogRecord("name", logging.ERROR, "file", 1, "line", (), (ValueError, error, None))


def test_what_readers_cause_is_logged_once_a_minute_and_without_a_traceback() -> None:
    clock = MovableClock()
    once = OncePerMinute(clock.monotonic)
    first = record()

    assert once.filter(first)
    assert first.exc_info is None
    assert not any(once.filter(record()) for _ in range(1000))
    clock.advance(60)
    assert once.filter(record())


@pytest.mark.parametrize(
    ("status", "has_traceback", "is_kept"),
    [(403, True, False), (404, False, False), (503, False, False), (503, True, True), (500, False, True)],
)
def test_an_answer_that_refuses_a_reader_is_no_event_even_with_a_traceback(
    status: int, has_traceback: bool, is_kept: bool
) -> None:
    answered = record()
    answered.status_code = status
    if not has_traceback:
        answered.exc_info = None

    assert is_unexpected(answered) is is_kept
