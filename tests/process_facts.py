"""What tests of real processes share: facts to wait for, and families that must be gone."""

import time
from collections.abc import Callable, Iterable

import psutil


def wait_until(is_reached: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Return as soon as `is_reached`; fail the test after the deadline."""
    deadline = time.monotonic() + seconds
    while not is_reached():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.02)


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def has_argument(process: psutil.Process, word: str) -> bool:
    """Return whether `word` is part of an argument of the process; one that has just ended has none."""
    try:
        return any(word in argument for argument in process.cmdline())
    except psutil.Error:
        return False


def wait_until_gone(processes: Iterable[psutil.Process], seconds: float = 20.0) -> None:
    """Fail the test, naming them, if any of the processes still runs after the deadline."""
    family = list(processes)
    deadline = time.monotonic() + seconds
    while running := [process for process in family if _runs(process)]:
        assert time.monotonic() < deadline, f"still running: {[process.cmdline() for process in running]}"
        time.sleep(0.02)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
