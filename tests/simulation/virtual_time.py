"""Time that several simulated processes share: it passes only while all of them sleep, so one runs at a time."""

import heapq
import itertools
import threading
from collections.abc import Callable


class Killed(BaseException):
    """Raised inside a task that was killed, at the point where it slept."""


class Task:
    """One thread of a simulated process."""

    def __init__(self) -> None:
        self.go = threading.Lock()  # released by whoever lets the task go on
        self.go.acquire()
        self.is_over = False
        self.is_killed = False


class VirtualTime:
    """A clock, and the order in which tasks and actions happen. The thread that creates it is a task too."""

    def __init__(self, seconds: float = 1000.0) -> None:
        self._now = seconds
        self._order = itertools.count()
        self._agenda: list[tuple[float, int, Task | Callable[[], None]]] = []
        self._current = threading.local()
        self._current.task = Task()
        self._failure: BaseException | None = None

    def monotonic(self) -> float:
        return self._now

    def call_in(self, seconds: float, action: Callable[[], None]) -> None:
        """Have an action run at an instant to come; it must not sleep."""
        heapq.heappush(self._agenda, (self._now + seconds, next(self._order), action))

    def start(self, run: Callable[[], None]) -> Task:
        """Start a task at the present instant; it begins when the caller next sleeps."""
        task = Task()

        def live() -> None:
            self._current.task = task
            task.go.acquire()
            try:
                if not task.is_killed:
                    run()
            except Killed:
                pass
            except BaseException as error:  # noqa: BLE001 - handed on to the thread that created the time
                self._failure = self._failure or error
            task.is_over = True
            self._next_task().go.release()

        threading.Thread(target=live, name="virtual", daemon=True).start()
        heapq.heappush(self._agenda, (self._now, next(self._order), task))
        return task

    def sleep(self, seconds: float) -> None:
        """Let other tasks and actions have their turn until this much time has passed."""
        task: Task = self._current.task
        heapq.heappush(self._agenda, (self._now + max(0.0, seconds), next(self._order), task))
        following = self._next_task()
        if following is not task:
            following.go.release()
            task.go.acquire()
        if task.is_killed:
            raise Killed
        if self._failure is not None and threading.current_thread() is threading.main_thread():
            raise self._failure

    def _next_task(self) -> Task:
        while True:
            self._now, _, what = heapq.heappop(self._agenda)
            if isinstance(what, Task):
                return what
            try:
                what()
            except BaseException as error:  # noqa: BLE001 - handed on to the thread that created the time
                self._failure = self._failure or error
