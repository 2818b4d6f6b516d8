"""The control address: counts of requests, and faults switched on and off while the exchange runs."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from exchange_simulator.answers import Answer
from exchange_simulator.exchange import SOURCE, SOURCE_HEADER, SimulatedExchange
from exchange_simulator.fault_kinds import Fault, FaultInputError
from exchange_simulator.faults import kinds_as_json

CONTROL_PREFIX = "/_control"
SHOWN_REQUESTS = 20
MOST_SHOWN_REQUESTS = 10_000


class Control:
    """Answers of its own, neither counted nor struck by faults."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self._exchange = exchange
        self._routes: Mapping[tuple[str, str], Callable[[str, bytes], Any]] = {
            ("GET", ""): self._index,
            ("GET", "/faults"): self._show_faults,
            ("POST", "/faults"): self._add_faults,
            ("PUT", "/faults"): self._replace_faults,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/requests"): self._show_requests,
            ("DELETE", "/requests"): self._clear_requests,
            ("DELETE", f"/{exchange.limit_name}"): self._clear_limits,
        }

    def answer(self, method: str, path: str, query: str, body: bytes) -> Answer:
        """Return the answer to a request below the prefix, which `path` still carries."""
        place = path.removeprefix(CONTROL_PREFIX).rstrip("/")
        route = self._routes.get((method, place)) or self._single_fault_route(method, place)
        if route is None:
            return self._reply(404, {"error": f"no {method} {path} here", "see": self._places()})
        try:
            return self._reply(200, route(query, body))
        except FaultInputError as error:
            return self._reply(400, {"error": str(error)})

    def _reply(self, status: int, value: object) -> Answer:
        text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
        return Answer(status, body=text.encode(), headers={SOURCE_HEADER: SOURCE})

    def _places(self) -> list[str]:
        return [f"{method} {CONTROL_PREFIX}{place}" for method, place in self._routes] + [
            f"DELETE {CONTROL_PREFIX}/faults/NUMBER"
        ]

    def _single_fault_route(self, method: str, place: str) -> Callable[[str, bytes], Any] | None:
        number = place.removeprefix("/faults/")
        if method != "DELETE" or not (number.isascii() and number.isdigit()):
            return None
        return lambda query, body: {"removed": self._exchange.faults.remove(int(number))}

    def _index(self, query: str, body: bytes) -> Any:
        return {
            "what": "exchange simulator: the prices are SIMULATED",
            "exchange": self._exchange.name,
            "places": self._places(),
            "limits_of_every_fault": ["path", "symbols", "requests"],
            "kinds": kinds_as_json(self._exchange.faults.kinds),
        }

    def _show_faults(self, query: str, body: bytes) -> Any:
        return self._exchange.faults.as_json()

    def _add_faults(self, query: str, body: bytes) -> Any:
        return _numbers(self._exchange.faults.add_described(_read_json(body)))

    def _replace_faults(self, query: str, body: bytes) -> Any:
        return _numbers(self._exchange.faults.replace(_read_json(body)))

    def _clear_faults(self, query: str, body: bytes) -> Any:
        self._exchange.faults.clear()
        return []

    def _show_requests(self, query: str, body: bytes) -> Any:
        wanted = dict(parse_qsl(query)).get("last", str(SHOWN_REQUESTS))
        if not (wanted.isascii() and wanted.isdigit()) or int(wanted) > MOST_SHOWN_REQUESTS:
            raise FaultInputError(f"last must be a whole number up to {MOST_SHOWN_REQUESTS}, not {wanted!r}")
        return {"exchange": self._exchange.name, **self._exchange.requests.as_json(int(wanted))}

    def _clear_requests(self, query: str, body: bytes) -> Any:
        self._exchange.requests.clear()
        return {"total": 0}

    def _clear_limits(self, query: str, body: bytes) -> Any:
        self._exchange.reset_limits()
        return {f"used_{self._exchange.limit_name}": 0}


def _numbers(faults: Iterable[Fault]) -> Any:
    return {"numbers": [fault.number for fault in faults]}


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FaultInputError(f"the body is no JSON: {error}") from error
