"""Run several processes in one terminal: prefixed logs, and when one ends, all end."""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, Self

from development.guarded_process import GuardedProcess
from development.terminal import Terminal

_TICK_SECONDS = 0.1
_LAST_WORDS_SECONDS = 1.0


class StackError(Exception):
    """A process ended by itself, or what was waited for did not happen; the message says which."""


class Supervisor:
    """Processes in the order of their start. Leaving the context ends them in reverse, and Ctrl-C meanwhile at once."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._processes: dict[str, GuardedProcess] = {}
        self._logs: list[threading.Thread] = []

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start `command` and show its output under `name`."""
        read_fd, write_fd = os.pipe()
        self._processes[name] = GuardedProcess(command, environment=environment, output=write_fd)
        os.close(write_fd)
        log = threading.Thread(target=self._pass_on, args=(name, read_fd), daemon=True)
        log.start()
        self._logs.append(log)

    def watch(self, name: str, process: GuardedProcess) -> None:
        """Take charge of a process that runs already and whose output nobody needs."""
        self._processes[name] = process

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._processes.items()}

    def run_until(self, is_reached: Callable[[], bool], expected: str, deadline_seconds: float) -> None:
        """Return once `is_reached`; raise `StackError` after the deadline, or as `run` does."""
        deadline = time.monotonic() + deadline_seconds
        while not is_reached():
            if time.monotonic() > deadline:
                raise StackError(f"{expected} did not happen within {deadline_seconds:g} s.")
            self._watch_for_a_moment()

    def run(self) -> NoReturn:
        """Raise `StackError` when a process has ended, `KeyboardInterrupt` when the terminal has gone."""
        while True:
            self._watch_for_a_moment()

    def _watch_for_a_moment(self) -> None:
        time.sleep(_TICK_SECONDS)
        if self._terminal.is_gone:
            raise KeyboardInterrupt
        for name, process in self._processes.items():
            exit_code = process.poll()
            if exit_code is not None:
                raise StackError(f"{name} has ended by itself ({_described(exit_code)}).")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            for process in reversed(self._processes.values()):
                process.close()
        except KeyboardInterrupt:
            for process in self._processes.values():
                process.kill()
        for log in self._logs:
            log.join(_LAST_WORDS_SECONDS)

    def _pass_on(self, name: str, read_fd: int) -> None:
        with os.fdopen(read_fd, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                self._terminal.log(name, line.rstrip("\r\n"))


def _described(exit_code: int) -> str:
    return f"killed by {signal.Signals(-exit_code).name}" if exit_code < 0 else f"exit code {exit_code}"
