"""`manage.py run_market_fetcher` as operators run it: a real process whose log goes to a file."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import redis

REPOSITORY = Path(__file__).resolve().parents[1]
LEASE_KEY = "market_data_fetcher:lease"


class FetcherProcess:
    """Started on construction with these environment variables only; those given as None are left out.

    `launcher` is a command that becomes the fetcher, such as one that limits what the process may use.
    """

    def __init__(
        self, variables: Mapping[str, str | None], log: Path, *arguments: str, launcher: Sequence[str] = ()
    ) -> None:
        self._log = log
        given = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **variables}
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [*launcher, sys.executable, "manage.py", "run_market_fetcher", *arguments],
                cwd=REPOSITORY,
                env={name: value for name, value in given.items() if value is not None},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait(self, seconds: float = 30) -> int:
        """Return the exit code; fail the test where the process does not end in time."""
        return self.process.wait(seconds)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def holds_lease(self, client: redis.Redis) -> bool:
        return f":{self.process.pid}:".encode() in (client.get(LEASE_KEY) or b"")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
