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
IGNORING_PARENT = """
import signal, subprocess, sys
from development.guarded_process import GuardedProcess
numbers = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM]
for number in numbers:
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
with GuardedProcess(sys.argv[1:], output=subprocess.PIPE) as process:
    print(process.output.read().decode())
"""
PROJECT = Path(__file__).resolve().parents[2]


def _guarded(program: str, **options) -> GuardedProcess:
    return GuardedProcess([sys.executable, "-c", program], output=subprocess.PIPE, **options)


@pytest.fixture
def parent() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that has started a guarded one."""
    with subprocess.Popen([sys.executable, "-c", PARENT, SLEEPER], cwd=PROJECT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = psutil.Process(int(process.stdout.readline()))
        wait_until(lambda: SLEEPER in child.cmdline() and "-I" not in child.cmdline(), "the command in its place")
        yield process
        process.kill()


def test_closing_ends_the_command_and_tells_by_which_signal():
    process = _guarded(SLEEPER)
    assert process.poll() is None
    assert process.close() == -signal.SIGTERM
    assert not psutil.pid_exists(process.pid)


def test_the_exit_code_of_a_command_that_ends_by_itself_is_passed_on():
    process = _guarded("raise SystemExit(3)")
    assert process.wait() == 3
    assert process.close() == 3


def test_a_command_deaf_to_sigterm_is_killed_after_its_grace():
    process = _guarded(STUBBORN, grace_seconds=0.1)
    assert process.output.readline() == b"deaf\n"
    assert process.close() == -signal.SIGKILL


def test_a_program_that_does_not_exist_is_named_in_the_output():
    with GuardedProcess(["/no-such-program"], output=subprocess.PIPE) as process:
        assert process.output.read() == b"/no-such-program cannot be started: No such file or directory\n"
        assert process.wait() == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_outlives_the_process_that_started_it(parent: "subprocess.Popen[bytes]", number: signal.Signals):
    family = descendants(parent.pid)
    assert family
    parent.send_signal(number)
    wait_until_gone(family)


def test_workers_go_with_their_master_even_if_it_is_killed():
    process = _guarded(MASTER)
    assert process.output.readline() == b"up\n"
    workers = descendants(process.pid)
    assert workers
    psutil.Process(process.pid).kill()
    assert process.close() == -signal.SIGKILL
    wait_until_gone(workers)


def test_a_command_hears_the_signals_that_its_parent_ignores_or_has_blocked():
    status = "print(*[line for line in open('/proc/self/status') if line.startswith(('SigIgn', 'SigBlk'))])"
    command = [sys.executable, "-c", IGNORING_PARENT, sys.executable, "-S", "-c", status]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True, timeout=30)
    masks = [int(line.split()[1], 16) for line in result.stdout.splitlines() if line.strip()]
    wanted = sum(1 << number - 1 for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM))
    assert [mask & wanted for mask in masks] == [0, 0]
