"""Run several processes in one terminal: prefixed logs, and when one ends, all end."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

from development.guarded_process import GuardedProcess
from development.log_streams import LogStreams
from development.terminal import Terminal

_TICK_SECONDS = 0.1
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SIGNAL_NAMES = {128 + number: number.name for number in signal.Signals}  # by the exit code that tells of them


class StopRequestedError(Exception):
    """A signal, a closed terminal, or the end of the process that started us asks to stop."""


class ProcessEndedError(Exception):
    """A process that should run on has ended by itself; the message names it and its exit code."""


class NotReadyError(Exception):
    """What was waited for did not happen in time."""


class Supervisor:
    """Processes in the order of their start. Leaving the context ends them in reverse.

    With `ends_with_parent` the end of the process that started us counts as a request to stop, which covers
    a `make` that was killed and could pass nothing on.
    """

    def __init__(self, terminal: Terminal, *, ends_with_parent: bool) -> None:
        self._terminal = terminal
        self._parent_pid = os.getppid() if ends_with_parent else None
        self._processes: dict[str, GuardedProcess] = {}
        self._logs = LogStreams(terminal)
        self._stop_signals_seen = 0
        self._former_handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in _STOP_SIGNALS:
            self._former_handlers[number] = signal.signal(number, self._note_stop_signal)
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        for number, handler in self._former_handlers.items():
            signal.signal(number, handler)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start `command` and show its output under `name`; raise `OSError` where it cannot be started."""
        process = GuardedProcess(command, environment=environment, output=subprocess.PIPE)
        self._logs.add(name, process.output)
        self._processes[name] = process

    def watch(self, name: str, process: GuardedProcess) -> None:
        """Take charge of a process that is running already and whose output nobody needs."""
        self._processes[name] = process

    @property
    def pids(self) -> dict[str, int]:
        """Return the process id of each process by its name."""
        return {name: process.pid for name, process in self._processes.items()}

    def run_until(self, is_reached: Callable[[], bool], expected: str, deadline_seconds: float) -> None:
        """Pass logs on until `is_reached`; raise `NotReadyError` after the deadline, or as `run` does."""
        deadline = time.monotonic() + deadline_seconds
        while not is_reached():
            if time.monotonic() > deadline:
                raise NotReadyError(f"{expected} did not happen within {deadline_seconds:g} s.")
            self._turn()

    def run(self) -> NoReturn:
        """Pass logs on until `StopRequestedError` or `ProcessEndedError` is raised."""
        while True:
            self._turn()

    def stop(self) -> None:
        """End all processes, the last one first; a second stop signal kills what is left."""
        while self._processes:
            _, process = self._processes.popitem()
            process.request_stop()
            while process.poll() is None:
                self._logs.pass_on(_TICK_SECONDS)
                if self._stop_signals_seen > 1:
                    process.kill()
            self._logs.pass_on(0)
            process.close()

    def _turn(self) -> None:
        self._logs.pass_on(_TICK_SECONDS)
        has_lost_parent = self._parent_pid is not None and os.getppid() != self._parent_pid
        if self._stop_signals_seen or has_lost_parent or self._terminal.is_gone:
            raise StopRequestedError
        for name, process in self._processes.items():
            exit_code = process.poll()
            if exit_code is not None:
                self._logs.pass_on(0)
                raise ProcessEndedError(f"{name} has ended by itself ({_described(exit_code)}).")

    def _note_stop_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop_signals_seen += 1


def _described(exit_code: int) -> str:
    if exit_code in _SIGNAL_NAMES:
        return f"killed by {_SIGNAL_NAMES[exit_code]}"
    return f"exit code {exit_code}"
