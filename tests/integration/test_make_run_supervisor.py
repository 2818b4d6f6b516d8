import contextlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from development.supervisor import StackError, Supervisor
from development.terminal import Terminal
from tests.process_facts import descendants, wait_until_gone

PROJECT = Path(__file__).resolve().parents[2]
PATIENT = "import signal; print('here', flush=True); signal.pause()"
DEAF = (
    "import signal; signal.signal(signal.SIGTERM, lambda *_: print('heard', flush=True)); print('here', flush=True)\n"
    "while True: signal.pause()"
)
STACK_OF_ONE = """
import os, sys
from development.guarded_process import stop_on_signals
from development.supervisor import Supervisor
from development.terminal import Terminal
stop_on_signals()
with Supervisor(Terminal(sys.stdout)) as supervisor:
    supervisor.start("web", [sys.executable, "-c", sys.argv[1]], os.environ)
    supervisor.run()
"""


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    before = set(descendants(os.getpid()))
    yield
    assert set(descendants(os.getpid())) <= before


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(written: io.StringIO) -> Supervisor:
    return Supervisor(Terminal(written))


def _start(supervisor: Supervisor, name: str, program: str) -> None:
    supervisor.start(name, [sys.executable, "-c", program], os.environ)


def _wait_for(supervisor: Supervisor, written: io.StringIO, text: str) -> None:
    supervisor.run_until(lambda: text in written.getvalue(), f"the line {text!r}", 30)


def test_every_line_stands_under_the_name_of_its_process(supervisor: Supervisor, written: io.StringIO):
    with supervisor:
        _start(supervisor, "fetcher", "import sys; print('to stderr', file=sys.stderr); " + PATIENT)
        _start(supervisor, "web", "print('first\\nsecond'); " + PATIENT)
        _wait_for(supervisor, written, "fetcher   | here\n")
        _wait_for(supervisor, written, "web       | here\n")
    lines = written.getvalue().splitlines()
    assert [line for line in lines if line.startswith("fetcher")] == ["fetcher   | to stderr", "fetcher   | here"]
    assert [line for line in lines if line.startswith("web")] == [
        f"web       | {n}" for n in ("first", "second", "here")
    ]


def test_a_process_that_ends_by_itself_ends_all_and_keeps_its_last_words(supervisor: Supervisor, written: io.StringIO):
    with supervisor:
        _start(supervisor, "web", PATIENT)
        _start(supervisor, "fetcher", "import sys; sys.stderr.write('no Redis'); sys.exit(3)")
        with pytest.raises(StackError, match=r"fetcher has ended by itself \(exit code 3\)"):
            supervisor.run()
    assert "fetcher   | no Redis\n" in written.getvalue()


def test_a_killed_process_is_told_apart_from_one_that_gave_up(supervisor: Supervisor):
    program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with supervisor:
        _start(supervisor, "web", program)
        with pytest.raises(StackError, match=r"web has ended by itself \(killed by SIGKILL\)"):
            supervisor.run()


def test_a_killed_master_whose_worker_still_holds_its_output_ends_all(supervisor: Supervisor, written: io.StringIO):
    worker = f"[sys.executable, '-c', {PATIENT!r}]"
    with supervisor:
        _start(supervisor, "web", f"import subprocess, sys; sys.exit(subprocess.call({worker}))")
        _wait_for(supervisor, written, "here")
        (worker_process,) = descendants(supervisor.pids["web"])
        os.kill(supervisor.pids["web"], signal.SIGKILL)
        with pytest.raises(StackError, match=r"web has ended by itself \(killed by SIGKILL\)"):
            supervisor.run()
    wait_until_gone([worker_process])


def test_what_does_not_happen_in_time_is_named(supervisor: Supervisor):
    with supervisor:
        _start(supervisor, "web", PATIENT)
        with pytest.raises(StackError, match=r"The first answer did not happen within 0\.2 s"):
            supervisor.run_until(lambda: False, "The first answer", 0.2)


def test_a_second_ctrl_c_kills_what_takes_too_long():
    command = [sys.executable, "-c", STACK_OF_ONE, DEAF]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as stack:
        assert stack.stdout is not None
        assert stack.stdout.readline() == b"web       | here\n"
        family = descendants(stack.pid)
        stack.send_signal(signal.SIGINT)
        assert stack.stdout.readline() == b"web       | heard\n"
        stack.send_signal(signal.SIGINT)
        wait_until_gone(family, seconds=8)  # the grace is 10 s


def test_a_terminal_that_has_gone_counts_as_ctrl_c():
    read_fd, write_fd = os.pipe()
    os.close(read_fd)
    closed_pipe = os.fdopen(write_fd, "w")
    with Supervisor(Terminal(closed_pipe)) as supervisor:
        _start(supervisor, "web", PATIENT)
        with pytest.raises(KeyboardInterrupt):
            supervisor.run()
    with contextlib.suppress(BrokenPipeError):  # it still holds what could not be written
        closed_pipe.close()


def test_processes_end_in_the_reverse_order_of_their_start(supervisor: Supervisor, written: io.StringIO):
    polite = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye', flush=True))); "
    with supervisor:
        for name in ("simulator", "fetcher", "web"):
            _start(supervisor, name, polite + PATIENT)
            _wait_for(supervisor, written, f"{name:<9} | here")
    byes = [line.split()[0] for line in written.getvalue().splitlines() if line.endswith("bye")]
    assert byes == ["web", "fetcher", "simulator"]
