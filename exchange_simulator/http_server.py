"""A simulated exchange on a TCP port."""

import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import urlsplit

from exchange_simulator.answers import Answer, html_answer
from exchange_simulator.control import CONTROL_PREFIX, Control
from exchange_simulator.delivery import Delivery, encode_content, in_pieces
from exchange_simulator.exchange import SOURCE, SOURCE_HEADER, SimulatedExchange
from exchange_simulator.faults import delivery_under

LARGEST_BODY_BYTES = 10_000_000
STOP_POLL_SECONDS = 0.05


class ExchangeServer(ThreadingHTTPServer):
    """Binds on construction (OSError where the port is taken). `close` ends every connection at once."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, host: str, port: int, exchange: SimulatedExchange) -> None:
        self.exchange = exchange
        self.control = Control(exchange)
        self._is_stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__((host, port), _Connection)

    def server_bind(self) -> None:
        """Bind without the look-up of the host's full name, which waits for a name server that is away."""
        TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)

    def nap(self, seconds: float) -> None:
        """Wait; raise ConnectionAbortedError where the server stops meanwhile."""
        if self._is_stopping.wait(seconds):
            raise ConnectionAbortedError("the exchange simulator stops")

    def start(self) -> None:
        threading.Thread(
            target=self.serve_forever, args=(STOP_POLL_SECONDS,), name="exchange-simulator", daemon=True
        ).start()

    def close(self) -> None:
        """Stop a started server: it listens no more, and its connections are cut."""
        self._is_stopping.set()
        self.shutdown()
        self.server_close()
        with self._connections_lock:
            for connection in self._connections:
                _cut(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or is cut off by `close`, is no news; anything else is."""
        if not self._is_stopping.is_set():
            super().handle_error(request, client_address)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # The other side has already gone.


class _Connection(BaseHTTPRequestHandler):
    server: ExchangeServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        body = self._read_body()
        if body is None:
            self._write(html_answer(413, "413 Content Too Large"), Delivery())
        elif _is_control(target.path):
            answer = self.server.control.answer(self.command, target.path, target.query, body)
            self._write(answer, Delivery())
        else:
            self._answer_exchange(target.path, target.query)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that http.server looks for

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def end_headers(self) -> None:
        """Mark the answers that http.server writes itself, to requests that are no HTTP."""
        self.send_header(SOURCE_HEADER, SOURCE)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Write no line a request: the control address counts them."""

    def _read_body(self) -> bytes | None:
        """Return the request's body; None, and the connection's end, where its length is absurd."""
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > LARGEST_BODY_BYTES:
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def _answer_exchange(self, path: str, query: str) -> None:
        exchange = self.server.exchange
        agent = self.headers.get("User-Agent", "")
        client = str(self.client_address[0])
        request, faults = exchange.receive(path, query, method=self.command, user_agent=agent, client=client)
        delivery = delivery_under(faults)
        status = None
        try:
            if delivery.latency_seconds:
                self.server.nap(delivery.latency_seconds)
            answer = exchange.answer(request, faults)
            if delivery.is_dropped:
                self.close_connection = True
                return
            status = answer.status
            self._write(answer, delivery, before_last=lambda sent: exchange.requests.finish(request, status, sent))
        finally:
            exchange.requests.finish(request, status)

    def _write(self, answer: Answer, delivery: Delivery, before_last: Callable[[int], None] = lambda _: None) -> None:
        accepts_gzip = "gzip" in self.headers.get("Accept-Encoding", "")
        body, encoding = encode_content(answer.encoded(), accepts_gzip, delivery)
        length = max(0, len(body) + delivery.content_length_change)
        head = _head(answer, length, encoding, self.close_connection or delivery.is_last)
        if delivery.ends_connection:
            self.close_connection = True
        pieces = in_pieces(head, body, delivery)
        piece, pause_seconds = next(pieces)
        for next_piece, next_pause_seconds in pieces:
            self._write_after(pause_seconds, piece)
            piece, pause_seconds = next_piece, next_pause_seconds
        before_last(len(head) + len(body))
        self._write_after(pause_seconds, piece)

    def _write_after(self, pause_seconds: float, piece: bytes) -> None:
        if pause_seconds:
            self.server.nap(pause_seconds)
        self.wfile.write(piece)


def _is_control(path: str) -> bool:
    return path == CONTROL_PREFIX or path.startswith(CONTROL_PREFIX + "/")


def _head(answer: Answer, length: int, encoding: str | None, is_last: bool) -> bytes:
    reason = {status.value: status.phrase for status in HTTPStatus}.get(answer.status, "Unknown")
    headers = {
        "Content-Type": answer.content_type,
        "Content-Length": str(length),
        "Content-Encoding": encoding,
        "Connection": "close" if is_last else "keep-alive",
        SOURCE_HEADER: SOURCE,
        **answer.headers,
    }
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"HTTP/1.1 {answer.status} {reason}", *lines, "", ""]).encode("latin-1", "replace")
