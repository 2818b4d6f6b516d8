"""`python -m development.stack` as a real process, with a database of its own and its output in a file."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import psutil

from development.loopback import LOOPBACK, free_port
from tests.process_facts import descendants, has_argument, wait_until

PROJECT = Path(__file__).resolve().parents[1]
RUN_FOLDER = PROJECT / ".run"
STACK = (sys.executable, "-m", "development.stack")
START_DEADLINE_SECONDS = 60


@dataclass
class RunningStack:
    process: "subprocess.Popen[bytes]"
    port: int
    terminal_path: Path

    @property
    def file(self) -> Path:
        """Where it writes down its addresses."""
        return RUN_FOLDER / f"stack-{self.port}.json"

    @property
    def terminal(self) -> str:
        return self.terminal_path.read_text()

    def get(self, path: str) -> tuple[int, Message, bytes]:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def process_with(self, word: str) -> psutil.Process:
        """Return the process whose command line has `word`; of several the eldest."""
        found = [process for process in descendants(self.process.pid) if has_argument(process, word)]
        return min(found, key=lambda process: process.create_time())


def stack_environment(folder: Path, variables: dict[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("DEBUG", "LOG_LEVEL")}
    ours = {
        "DJANGO_SETTINGS_MODULE": "nexusmeme.settings",
        "REDIS_URL": "",
        "RECORDING": "",
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
    }
    return {**inherited, **ours, **variables}


@contextmanager
def running_stack(folder: Path, command: Sequence[str], **variables: str) -> Iterator[RunningStack]:
    port = free_port()
    terminal_path = folder / "terminal.txt"
    environment = stack_environment(folder, {"PORT": str(port), **variables})
    with terminal_path.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    stack = RunningStack(process, port, terminal_path)
    try:
        wait_until(
            lambda: f"http://{LOOPBACK}:{port}/" in stack.terminal or process.poll() is not None,
            "the address in the terminal",
            START_DEADLINE_SECONDS,
        )
        assert process.poll() is None, stack.terminal
        yield stack
    finally:
        process.terminate()
        process.wait()
        stack.file.unlink(missing_ok=True)  # which a killed one leaves behind
