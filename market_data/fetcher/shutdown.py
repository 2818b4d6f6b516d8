"""Ends a process in time even where its work is stuck in a call that no signal interrupts."""

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

logger = logging.getLogger(__name__)

Outcome = TypeVar("Outcome")
_NAP_SECONDS = 0.05


class WorkFailedError(Exception):
    """The work raised; its traceback is in the log."""


def run_until_stopped(
    work: Callable[[], Outcome],
    *,
    should_stop: Callable[[], bool],
    patience_seconds: float,
    monotonic: Callable[[], float],
) -> Outcome | None:
    """Run `work` on a thread of its own and return its outcome; raise `WorkFailedError` where it raised.

    From the moment that `should_stop` is true the work has `patience_seconds` to end; None is returned where it has
    not, as in a look-up of Redis's name that hangs. The main thread stays free for signals meanwhile.
    """
    outcomes: list[Outcome] = []

    def attempt() -> None:
        try:
            outcomes.append(work())
        except Exception:
            logger.exception("the work has ended by an error")

    worker = threading.Thread(target=attempt, name="fetcher", daemon=True)
    worker.start()
    give_up_at: float | None = None
    while worker.is_alive():
        worker.join(_NAP_SECONDS)
        if give_up_at is None and should_stop():
            give_up_at = monotonic() + patience_seconds
        if give_up_at is not None and monotonic() >= give_up_at:
            return None
    if not outcomes:
        raise WorkFailedError
    return outcomes[0]
