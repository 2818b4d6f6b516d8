import logging

from nexusmeme.log_filters import OncePerMinute
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
