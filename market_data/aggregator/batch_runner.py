"""Runs jobs on a few threads until a deadline; what is not done by then is left."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

_NAP_SECONDS = 0.05


def run_until(
    jobs: Sequence[Callable[[], None]],
    *,
    max_concurrent: int,
    deadline: float,
    monotonic: Callable[[], float],
    should_stop: Callable[[], bool],
) -> None:
    """Run the jobs in order, at most `max_concurrent` at once; return when all are done, at the deadline or when
    told to stop. No job begins after that, and one under way ends by its own deadline. What a job raises, is raised
    here.
    """
    if not jobs:
        return
    run = _Run(jobs)
    for _ in range(min(max_concurrent, len(jobs))):
        # Daemons: a name look-up that hangs must not keep the process from ending.
        threading.Thread(target=run.work, name="refresh-batch", daemon=True).start()
    run.wait(lambda: monotonic() >= deadline or should_stop())


class _Run:
    def __init__(self, jobs: Sequence[Callable[[], None]]) -> None:
        self._waiting = deque(jobs)
        self._unfinished = len(jobs)
        self._failure: BaseException | None = None
        self._changed = threading.Condition()

    def work(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    return
                job = self._waiting.popleft()
            failure: BaseException | None = None
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - handed on to the thread that waits
                failure = error
            with self._changed:
                self._unfinished -= 1
                self._failure = self._failure or failure
                self._changed.notify_all()

    def wait(self, is_over: Callable[[], bool]) -> None:
        with self._changed:
            while self._unfinished and self._failure is None and not is_over():
                self._changed.wait(_NAP_SECONDS)
            self._waiting.clear()
        if self._failure is not None:
            raise self._failure
