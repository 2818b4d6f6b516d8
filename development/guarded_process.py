"""Processes that end with the one that started them, however that one ends.

Run as a script, this file is the first moment of such a process: it becomes the command that it is given.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent(parent_pid: int) -> None:
    """Let the kernel send this process SIGTERM when its parent has gone. Only Linux can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != parent_pid:  # it was gone before the kernel knew
        sys.exit(1)


def stop_on_signals() -> None:
    """Raise `KeyboardInterrupt` at SIGINT, SIGTERM and SIGHUP, also where those that started us ignore them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


class GuardedProcess(subprocess.Popen[bytes]):
    """A command that runs from the moment of construction, in a process group of its own, until `close` at the latest.

    Start it in the main thread: for the kernel, the end of the thread that started it is the end of its parent.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        output: int | IO[bytes] | None = None,
        folder: Path | None = None,
        grace_seconds: float = 10.0,
    ) -> None:
        """Start `command` in `folder`; its stdout and stderr both go to `output`, or to ours where that is None."""
        self._grace_seconds = grace_seconds
        super().__init__(
            [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            env=environment,
            cwd=folder,
            start_new_session=True,  # so that Ctrl-C reaches us alone, and we decide who ends when
        )

    @property
    def output(self) -> IO[bytes]:
        """What the command writes, where `output` was `subprocess.PIPE`."""
        if self.stdout is None:
            raise ValueError("the process was started without a pipe for its output")
        return self.stdout

    def kill(self) -> None:
        """Send SIGKILL to the command and to what it started, even where the command itself has ended."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> int:
        """End the command, after the grace by force, and what it leaves behind; return its exit code."""
        self.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(self._grace_seconds)
        self.kill()
        if self.stdout is not None:
            self.stdout.close()
        return self.wait()

    def __exit__(self, *error: object) -> None:
        self.close()


def _become(parent_pid: int, command: list[str]) -> None:
    """Turn into `command`, with no signal ignored or blocked: a script's background and nohup hand that down."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    end_with_parent(parent_pid)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command comes from our own code
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
