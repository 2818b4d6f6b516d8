"""Processes that end with the one that started them, however that one dies; see `guard.py` for how."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

GUARD_SCRIPT = Path(__file__).with_name("guard.py")


class GuardedProcess:
    """A command, running from the moment of construction. `pid` is the command's own, not the guard's."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        output: int | IO[bytes] | None = None,
        grace_seconds: float = 10.0,
        in_temporary_directory: bool = False,
    ) -> None:
        """Start `command`; its stdout and stderr both go to `output`, or to ours where that is None.

        `grace_seconds` is the time from SIGTERM to SIGKILL. With `in_temporary_directory` the command runs in
        an empty directory that is gone after it. Raise `OSError` where the command cannot be started.
        """
        self.command = tuple(command)
        report_read_fd, report_write_fd = os.pipe()
        with os.fdopen(report_read_fd, encoding="ascii") as report:
            self._guard = subprocess.Popen(  # noqa: S603 - the command comes from our own code
                [
                    *(sys.executable, "-I", "-S", str(GUARD_SCRIPT)),
                    *(f"--report-fd={report_write_fd}", f"--grace-seconds={grace_seconds}"),
                    *(["--in-temporary-directory"] if in_temporary_directory else []),
                    *("--", *command),
                ],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=None if output is None else subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                pass_fds=[report_write_fd],
                start_new_session=True,
            )
            os.close(report_write_fd)
            reported = report.readline()
        if not reported:
            self._guard.communicate()
            raise OSError(f"{command[0]} cannot be started")
        self.pid = int(reported)

    @property
    def output(self) -> IO[bytes]:
        """What the command writes, where `output` was `subprocess.PIPE`."""
        if self._guard.stdout is None:
            raise ValueError("the process was started without a pipe for its output")
        return self._guard.stdout

    def poll(self) -> int | None:
        """Return the exit code, 128 + n after signal n, or None while the command runs."""
        exit_code = self._guard.poll()
        if exit_code is not None and exit_code < 0:  # the guard was killed: see to its charge ourselves
            self._kill_group()
            return 128 - exit_code
        return exit_code

    def request_stop(self) -> None:
        """Send SIGTERM to the command and return at once."""
        if self.poll() is None:
            self._guard.terminate()

    def kill(self) -> None:
        """Send SIGKILL to the command and everything that it started."""
        if self.poll() is None:
            self._kill_group()

    def wait(self) -> int:
        """Wait until the command has ended and return its exit code."""
        self._guard.wait()
        exit_code = self.poll()
        if exit_code is None:
            raise ChildProcessError("the process has been waited for and still runs")
        return exit_code

    def close(self) -> int:
        """End the command and everything that it started; return its exit code."""
        self.request_stop()
        exit_code = self.wait()
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                pipe.close()
        return exit_code

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
