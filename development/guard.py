"""A small process that stands between us and a process that must not outlive us.

It starts the command in a process group of its own and ends the whole group when it gets SIGTERM or when its
standard input closes, which happens however the process that started it dies. On Linux the kernel also ends
the command if the guard itself is killed. It exits with the command's exit code, 128 + n after signal n.

Run as a script by `guarded_process.py`; needs the standard library only.
"""

import argparse
import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> int:
    arguments = _parser().parse_args()
    wakeup_fd = _wake_on_signals(signal.SIGTERM, signal.SIGCHLD)
    with contextlib.ExitStack() as stack:
        directory = None
        if arguments.in_temporary_directory:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="nexusmeme-"))
        try:
            child = _start(arguments.command, directory)
        except OSError as error:
            print(f"{arguments.command[0]} cannot be started: {error.strerror}", file=sys.stderr)
            return 127
        with os.fdopen(arguments.report_fd, "w", encoding="ascii") as report:
            report.write(f"{child.pid}\n")
        exit_code = _watch(child, wakeup_fd, arguments.grace_seconds)
        _kill_group(child.pid)  # what the command left behind, such as workers of a killed master
    return exit_code if exit_code >= 0 else 128 - exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--report-fd", type=int, required=True, help="receives the command's process id")
    parser.add_argument("--grace-seconds", type=float, required=True, help="time from SIGTERM to SIGKILL")
    parser.add_argument("--in-temporary-directory", action="store_true")
    parser.add_argument("command", nargs="+")
    return parser


def _wake_on_signals(*signals: signal.Signals) -> int:
    """Return a file descriptor that receives the number of every such signal as one byte."""
    read_fd, write_fd = os.pipe()
    os.set_blocking(write_fd, False)
    signal.set_wakeup_fd(write_fd)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])  # whoever started us may have blocked some
    for number in signals:
        signal.signal(number, lambda *_: None)
    return read_fd


def _start(command: list[str], directory: str | None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - the command comes from our own code
        command,
        stdin=subprocess.DEVNULL,
        cwd=directory,
        process_group=0,
        preexec_fn=_end_with_this_process(),
    )


def _end_with_this_process() -> Callable[[], None] | None:
    """Return what the child does before its command begins, so that the kernel ends it if the guard dies."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    guard_pid = os.getpid()

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != guard_pid:  # the guard died before the request reached the kernel
            os._exit(1)

    return ask_the_kernel


def _watch(child: "subprocess.Popen[bytes]", wakeup_fd: int, grace_seconds: float) -> int:
    """Wait for the child, end it when asked to, and return its exit code (negative after a signal)."""
    lifeline_fd = sys.stdin.fileno()
    inputs = [lifeline_fd, wakeup_fd]
    kill_at: float | None = None
    while (exit_code := child.poll()) is None:
        seconds_left = None if kill_at is None else max(0.0, kill_at - time.monotonic())
        ready, _, _ = select.select(inputs, [], [], seconds_left)
        received = os.read(wakeup_fd, 64) if wakeup_fd in ready else b""
        lifeline_closed = lifeline_fd in ready and not os.read(lifeline_fd, 64)
        if lifeline_closed:
            inputs = [wakeup_fd]
        if kill_at is None and (lifeline_closed or signal.SIGTERM in received):
            child.terminate()
            kill_at = time.monotonic() + grace_seconds
        elif kill_at is not None and time.monotonic() >= kill_at:
            _kill_group(child.pid)
    return exit_code


def _kill_group(group_id: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
        os.killpg(group_id, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
