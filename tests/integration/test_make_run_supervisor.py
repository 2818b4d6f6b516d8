import contextlib
import io
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from development.supervisor import NotReadyError, ProcessEndedError, StopRequestedError, Supervisor
from development.terminal import Terminal
from tests.process_facts import descendants

PATIENT = "import signal; print('here', flush=True); signal.pause()"


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
    return Supervisor(Terminal(written), ends_with_parent=False)


def _start(supervisor: Supervisor, name: str, program: str) -> None:
    supervisor.start(name, [sys.executable, "-c", program], os.environ)


def _wait_for(supervisor: Supervisor, written: io.StringIO, text: str) -> None:
    supervisor.run_until(lambda: text in written.getvalue(), f"the line {text!r}", 10)


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
        with pytest.raises(ProcessEndedError, match=r"fetcher has ended by itself \(exit code 3\)"):
            supervisor.run()
    assert "fetcher   | no Redis\n" in written.getvalue()


def test_a_killed_process_is_told_apart_from_one_that_gave_up(supervisor: Supervisor):
    program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with supervisor:
        _start(supervisor, "web", program)
        with pytest.raises(ProcessEndedError, match=r"web has ended by itself \(killed by SIGKILL\)"):
            supervisor.run()


def test_what_does_not_happen_in_time_is_named(supervisor: Supervisor):
    with supervisor:
        _start(supervisor, "web", PATIENT)
        with pytest.raises(NotReadyError, match=r"The first answer did not happen within 0\.2 s"):
            supervisor.run_until(lambda: False, "The first answer", 0.2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_ends_everything(supervisor: Supervisor, written: io.StringIO, number: signal.Signals):
    with supervisor:
        _start(supervisor, "web", PATIENT)
        _wait_for(supervisor, written, "here")
        os.kill(os.getpid(), number)
        with pytest.raises(StopRequestedError):
            supervisor.run()


def test_a_second_stop_signal_kills_what_takes_too_long(supervisor: Supervisor, written: io.StringIO):
    deaf = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGTERM, signal.SIGINT)]; "
    with supervisor:
        _start(supervisor, "web", deaf + PATIENT)
        _wait_for(supervisor, written, "here")
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(StopRequestedError):
            supervisor.run()


def test_a_terminal_that_has_gone_counts_as_a_request_to_stop():
    read_fd, write_fd = os.pipe()
    os.close(read_fd)
    closed_pipe = os.fdopen(write_fd, "w")
    with Supervisor(Terminal(closed_pipe), ends_with_parent=False) as supervisor:
        _start(supervisor, "web", PATIENT)
        with pytest.raises(StopRequestedError):
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
