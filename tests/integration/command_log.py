"""Every command that a Redis server gets, as its MONITOR tells them."""

import re
import threading
import uuid

import redis

_ARGUMENT = re.compile(r'"((?:[^"\\]|\\.)*)"')


class CommandLog:
    """Context manager: collects the commands of all clients, each as a list of its arguments."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url, socket_timeout=None)  # a server may have nothing to do for long
        self._commands: list[list[str]] = []
        self._changed = threading.Condition()

    def __enter__(self) -> "CommandLog":
        self._monitor = self._client.monitor()
        self._monitor.__enter__()
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.ping()
        self._monitor.connection.disconnect()
        self._client.close()

    def read(self, seconds: float = 10) -> list[list[str]]:
        """Return everything so far, from the point of view of a client that asks now."""
        mark = uuid.uuid4().hex
        self._client.echo(mark)
        with self._changed:
            assert self._changed.wait_for(lambda: ["ECHO", mark] in self._commands, seconds)
            own = {"ECHO", "CLIENT", "HELLO"}
            return [command for command in self._commands if command[0] not in own]

    def _collect(self) -> None:
        while True:
            try:
                line = self._monitor.connection.read_response()
            except (redis.RedisError, OSError, ValueError, AttributeError):
                return
            text = line.decode() if isinstance(line, bytes) else str(line)
            with self._changed:
                self._commands.append(_ARGUMENT.findall(text.partition("] ")[2]))
                self._changed.notify_all()
