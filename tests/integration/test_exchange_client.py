"""The HTTP client alone, against answers that an exchange does not give and something in its place may."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from market_data.exchanges.errors import MalformedAnswerError
from market_data.exchanges.http import HttpClient

Reply = Callable[[BaseHTTPRequestHandler], None]
SEVERAL_MIB = 4 * 1024 * 1024


@pytest.fixture
def client() -> Iterator[HttpClient]:
    client = HttpClient(max_connections=1, monotonic=time.monotonic, now_ms=lambda: time.time_ns() // 1_000_000)
    yield client
    client.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Reply], str]]:
    """Answer every GET by a function, and return the address."""
    servers: list[HTTPServer] = []

    def start(reply: Reply) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                reply(self)

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def redirect(location: bytes, body_bytes: int = 0) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        head = b"HTTP/1.0 302 Found\r\nLocation: %s\r\nContent-Length: %d\r\n\r\n" % (location, body_bytes)
        try:
            handler.wfile.write(head + b"x" * body_bytes)
        except OSError:
            return  # the client has read enough

    return reply


@pytest.mark.parametrize("location", [b"http://[bad", b"/\xe9\xff", b"/elsewhere", b"http://127.0.0.1:notaport/"])
def test_a_redirect_is_an_answer_like_any_other_and_is_not_followed(
    client: HttpClient, serve: Callable[[Reply], str], location: bytes
) -> None:
    address = serve(redirect(location))

    answer = client.get(address, "/api/v3/ping", deadline=time.monotonic() + 30, max_bytes=1000)

    assert answer.status == 302


def test_the_body_of_a_redirect_is_bounded_like_any_other(client: HttpClient, serve: Callable[[Reply], str]) -> None:
    address = serve(redirect(b"/elsewhere", SEVERAL_MIB))

    with pytest.raises(MalformedAnswerError, match="more than 1000 bytes"):
        client.get(address, "/api/v3/ping", deadline=time.monotonic() + 30, max_bytes=1000)


def test_an_address_keeps_its_path_and_its_password_is_sent_as_such(
    client: HttpClient, serve: Callable[[Reply], str]
) -> None:
    asked: list[tuple[str, str | None]] = []

    def reply(handler: BaseHTTPRequestHandler) -> None:
        asked.append((handler.path, handler.headers["Authorization"]))
        handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    address = serve(reply).replace("http://", "http://name:password@") + "/mirror"

    for _ in range(2):
        client.get(address, "/api/v3/ping?a=%5B%22B%22%5D", deadline=time.monotonic() + 30, max_bytes=1000)

    assert asked == [("/mirror/api/v3/ping?a=%5B%22B%22%5D", "Basic bmFtZTpwYXNzd29yZA==")] * 2


def test_a_proxy_that_the_environment_names_is_used(
    client: HttpClient, serve: Callable[[Reply], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    targets: list[str] = []

    def reply(handler: BaseHTTPRequestHandler) -> None:
        targets.append(handler.path)
        handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, serve(reply))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    answer = client.get("http://exchange.test", "/api/v3/ping", deadline=time.monotonic() + 30, max_bytes=1000)

    assert (answer.body, targets) == (b"{}", ["http://exchange.test/api/v3/ping"])
