"""Ports and answers on the machine's own address."""

import contextlib
import http.client
import socket

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a port that is free now; another process may take it before it is used."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def is_free(port: int) -> bool:
    """Return whether a server could listen on `port`."""
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True


def answers_http(port: int, path: str, timeout_seconds: float) -> bool:
    """Return whether any HTTP answer comes from `port`, whatever its status."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout_seconds)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        connection.getresponse().read()
        return True
    return False
