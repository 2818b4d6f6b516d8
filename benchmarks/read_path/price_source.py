"""A price source on a loopback port, for peers that fetch prices themselves instead of reading them from the store."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from development.loopback import LOOPBACK


@contextmanager
def price_source(prices: Callable[[], str]) -> Iterator[str]:
    """Yield the address at which every GET is answered with the JSON that `prices` returns."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = prices().encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: the terminal shows the rates."""

    with ThreadingHTTPServer((LOOPBACK, 0), Answer) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}/"
        finally:
            server.shutdown()
            serving.join()
