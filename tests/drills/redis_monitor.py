"""What a Redis server is told, by its own account, while a test looks."""

import re
import socket
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_LINE = re.compile(rb'\+[\d.]+ \[\d+ (?P<client>[^\]]+)\] "(?P<command>[^"]+)"(?P<arguments>.*)')
_WRITES = frozenset({"SET", "DEL", "PEXPIRE", "UNLINK"})


@dataclass(frozen=True)
class Command:
    """One command; those that a script runs have the client `lua` and follow the call of their script."""

    client: str
    name: str
    arguments: str

    @property
    def is_write_of_script(self) -> bool:
        return self.client == "lua" and self.name in _WRITES


class RedisMonitor:
    """Collects every command that a server on the loopback address carries out, from entering on."""

    def __init__(self, port: int) -> None:
        self.commands: list[Command] = []
        self._line = socket.create_connection(("127.0.0.1", port))
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._line.sendall(b"MONITOR\r\n")
        assert self._line.recv(5) == b"+OK\r\n"
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._line.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._line.close()

    def writes_with(self, word: str) -> list[Command]:
        """Return the writes that commands with this word among their arguments brought about."""
        writes: list[Command] = []
        is_meant = False
        for command in list(self.commands):
            if command.client != "lua":
                is_meant = word in command.arguments
                if is_meant and command.name in _WRITES:
                    writes.append(command)
            elif is_meant and command.is_write_of_script:
                writes.append(command)
        return writes

    def _read(self) -> None:
        with self._line.makefile("rb") as lines:
            for line in lines:
                match = _LINE.match(line)
                if match:
                    name = match["command"].decode().upper()
                    self.commands.append(Command(match["client"].decode(), name, match["arguments"].decode()))
