"""Processes that must not outlive whoever started them, ended in every way that a process can be."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from development.guarded_process import GuardedProcess
from tests.process_facts import descendants, wait_until, wait_until_gone

SLEEPER = "import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
MASTER = (
    "import subprocess, sys; worker = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']); "
    "print('up', flush=True); sys.exit(worker.wait())"
)
PARENT = (
    "import signal, sys; from development.guarded_process import GuardedProcess; "
    "process = GuardedProcess([sys.executable, '-c', sys.argv[1]]); print(process.pid, flush=True); signal.pause()"
)
PROJECT = Path(__file__).resolve().parents[2]


def _guarded(program: str, **options) -> GuardedProcess:
    return GuardedProcess([sys.executable, "-c", program], output=subprocess.PIPE, **options)


@pytest.fixture
def parent_of_a_master() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that guards a master, which has a worker."""
    command = [sys.executable, "-c", PARENT, MASTER]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        wait_until(lambda: len(descendants(parent.pid)) == 3, "guard, master and worker")
        yield parent
        parent.kill()


def test_closing_ends_the_command_and_tells_by_which_signal():
    process = _guarded(SLEEPER)
    assert process.poll() is None
    assert process.close() == 128 + signal.SIGTERM
    assert not psutil.pid_exists(process.pid)


def test_the_exit_code_of_a_command_that_ends_by_itself_is_passed_on():
    process = _guarded("raise SystemExit(3)")
    assert process.wait() == 3
    assert process.close() == 3


def test_a_command_deaf_to_sigterm_is_killed_after_its_grace():
    process = _guarded(STUBBORN, grace_seconds=0.1)
    assert process.output.readline() == b"deaf\n"
    assert process.close() == 128 + signal.SIGKILL


def test_a_program_that_does_not_exist_is_an_error_at_the_start():
    with pytest.raises(OSError, match="no-such-program cannot be started"):
        GuardedProcess(["/no-such-program"], output=subprocess.DEVNULL)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_outlives_the_process_that_started_it(parent_of_a_master, number: signal.Signals):
    family = descendants(parent_of_a_master.pid)
    parent_of_a_master.send_signal(number)
    wait_until_gone(family)


def test_workers_go_with_their_master_even_if_it_is_killed():
    with _guarded(MASTER) as process:
        assert process.output.readline() == b"up\n"
        workers = descendants(process.pid)
        assert workers
        psutil.Process(process.pid).kill()
        wait_until_gone(workers)
        assert process.wait() == 128 + signal.SIGKILL


def test_a_killed_guard_takes_its_command_along():
    with _guarded(MASTER) as process:
        assert process.output.readline() == b"up\n"
        master = psutil.Process(process.pid)
        family = [master, *descendants(process.pid)]
        guard = master.parent()
        assert guard is not None
        guard.kill()
        assert process.wait() == 128 + signal.SIGKILL
        wait_until_gone(family)
