"""The output of several processes, read without waiting for any one and handed on line by line."""

import os
import selectors
from typing import IO

from development.terminal import Terminal

_READ_BYTES = 65536


class LogStreams:
    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._selector = selectors.DefaultSelector()
        self._unfinished: dict[str, bytes] = {}

    def add(self, name: str, stream: IO[bytes]) -> None:
        os.set_blocking(stream.fileno(), False)
        self._selector.register(stream, selectors.EVENT_READ, name)

    def pass_on(self, timeout_seconds: float) -> None:
        """Wait until there is output, at most so long, and write all of it that has come."""
        for key, _ in self._selector.select(timeout_seconds):
            self._drain(key.data, key.fd)

    def _drain(self, name: str, descriptor: int) -> None:
        while True:
            try:
                chunk = os.read(descriptor, _READ_BYTES)
            except BlockingIOError:
                return
            *lines, rest = (self._unfinished.pop(name, b"") + chunk).split(b"\n")
            for line in lines if chunk else [*lines, rest] if rest else lines:
                self._terminal.log(name, line.decode(errors="replace").rstrip("\r"))
            if not chunk:
                self._selector.unregister(descriptor)
                return
            self._unfinished[name] = rest
