"""The simulated exchange over real HTTP: every kind of fault as a client sees it, and the control address."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests

from exchange_simulator.binance.faults import FAULT_KINDS
from exchange_simulator.server import RunningSimulator, unix_now_ms

TICKERS = '/api/v3/ticker/24hr?symbols=["BTCUSDT","ETHUSDT"]'
TIMEOUT_SECONDS = 5


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSimulator]:
    with RunningSimulator(seed=1) as simulator:
        yield simulator


@pytest.fixture
def exchange(running: RunningSimulator) -> RunningSimulator:
    running.faults.clear()
    running.requests.clear()
    running.weights.reset()
    return running


def get(exchange: RunningSimulator, target: str = TICKERS) -> requests.Response:
    return requests.get(exchange.base_url + target, timeout=TIMEOUT_SECONDS, allow_redirects=False)


def test_one_connection_serves_many_requests(exchange: RunningSimulator) -> None:
    with requests.Session() as session:
        ports = set()
        for _ in range(3):
            with session.get(exchange.base_url + TICKERS, timeout=TIMEOUT_SECONDS, stream=True) as answer:
                ports.add(answer.raw.connection.sock.getsockname()[1])
                assert len(answer.json()) == 2
    assert len(ports) == 1


def test_an_answer_is_gzipped_for_those_who_accept_it(exchange: RunningSimulator) -> None:
    assert get(exchange).headers["Content-Encoding"] == "gzip"
    plain = requests.get(exchange.base_url + TICKERS, headers={"Accept-Encoding": "identity"}, timeout=TIMEOUT_SECONDS)
    assert "Content-Encoding" not in plain.headers
    assert len(plain.json()) == 2


def test_two_thousand_symbols_are_served() -> None:
    with RunningSimulator(symbols=2000) as exchange:
        assert len(get(exchange, "/api/v3/ticker/24hr").json()) == 2000


def test_the_times_of_an_answer_are_of_now(exchange: RunningSimulator) -> None:
    before_ms = unix_now_ms()
    answer = get(exchange, "/api/v3/time")
    assert before_ms <= answer.json()["serverTime"] <= unix_now_ms()
    assert answer.headers["Date"].endswith("GMT")
    assert before_ms - get(exchange).json()[0]["closeTime"] < 1000


def test_an_answer_to_what_is_no_http_says_simulator_too(exchange: RunningSimulator) -> None:
    answer = requests.request("BREW", exchange.base_url + "/", timeout=TIMEOUT_SECONDS)
    assert answer.status_code == 501
    assert answer.headers["X-Market-Data-Source"] == "simulator"


Check = Callable[[requests.Response], bool]


def rows(answer: requests.Response) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.json()
    return found


def names(answer: requests.Response) -> list[str]:
    return [row["symbol"] for row in rows(answer)]


VISIBLE_FAULTS: list[tuple[dict[str, Any], int, Check]] = [
    ({"kind": "status", "status": 503}, 503, lambda a: a.json()["code"] == -1000),
    ({"kind": "status", "status": 502, "body": "html"}, 502, lambda a: a.headers["Content-Type"] == "text/html"),
    ({"kind": "status", "status": 504, "body": "empty"}, 504, lambda a: a.content == b""),
    (
        {"kind": "status", "status": 503, "retry_after": "soon"},
        503,
        lambda a: a.headers["Retry-After"] == "soon",
    ),
    ({"kind": "rate_limited"}, 429, lambda a: a.headers["Retry-After"] == "30"),
    ({"kind": "rate_limited", "retry_after": None}, 429, lambda a: "Retry-After" not in a.headers),
    ({"kind": "rate_limited", "retry_after": "0"}, 429, lambda a: a.headers["Retry-After"] == "0"),
    ({"kind": "banned"}, 418, lambda a: "IP banned until " in a.json()["msg"]),
    ({"kind": "geo_blocked"}, 451, lambda a: a.json()["code"] == 0),
    ({"kind": "firewall"}, 403, lambda a: a.text.startswith("<html>") and "Retry-After" not in a.headers),
    ({"kind": "redirect"}, 302, lambda a: unquote(a.headers["Location"]) == TICKERS),
    (
        {"kind": "redirect", "status": 308, "location": "https://elsewhere.test/"},
        308,
        lambda a: a.headers["Location"] == "https://elsewhere.test/",
    ),
    ({"kind": "json_body"}, 200, lambda a: a.json() == []),
    ({"kind": "json_body", "value": {}}, 200, lambda a: a.json() == {}),
    ({"kind": "json_body", "value": None}, 200, lambda a: a.json() is None),
    ({"kind": "html_body"}, 200, lambda a: a.headers["Content-Type"] == "text/html"),
    ({"kind": "empty_body"}, 200, lambda a: a.content == b""),
    ({"kind": "raw_body", "text": "[NaN]"}, 200, lambda a: a.content == b"[NaN]"),
    ({"kind": "cut_json"}, 200, lambda a: a.content.startswith(b"[{") and not a.content.endswith(b"]")),
    ({"kind": "nested_json", "depth": 5}, 200, lambda a: a.content == b"[[[[[]]]]]"),
    ({"kind": "huge_body", "mebibytes": 3}, 200, lambda a: len(a.content) > 3 * 1024 * 1024 and len(rows(a)) == 2),
    ({"kind": "field_value"}, 200, lambda a: [r["lastPrice"] for r in rows(a)] == ["NaN", "NaN"]),
    (
        {"kind": "field_value", "field": "volume", "value": 12.5, "symbols": ["ETHUSDT"]},
        200,
        lambda a: isinstance(rows(a)[0]["volume"], str) and rows(a)[1]["volume"] == 12.5,
    ),
    ({"kind": "missing_field", "field": "closeTime"}, 200, lambda a: "closeTime" not in rows(a)[0]),
    ({"kind": "missing_rows", "symbols": ["BTCUSDT"]}, 200, lambda a: names(a) == ["ETHUSDT"]),
    ({"kind": "missing_rows"}, 200, lambda a: a.json() == []),
    ({"kind": "repeated_rows"}, 200, lambda a: names(a) == ["BTCUSDT", "BTCUSDT", "ETHUSDT", "ETHUSDT"]),
    ({"kind": "null_rows", "symbols": ["BTCUSDT"]}, 200, lambda a: a.json()[0] is None),
    ({"kind": "extra_rows"}, 200, lambda a: len(names(a)) == 3),
    ({"kind": "extra_rows", "extra": ["BNBUSDT"]}, 200, lambda a: names(a)[-1] == "BNBUSDT"),
    ({"kind": "reversed_rows"}, 200, lambda a: names(a) == ["ETHUSDT", "BTCUSDT"]),
    ({"kind": "unknown_symbol", "symbols": ["BTCUSDT"]}, 400, lambda a: a.json()["code"] == -1121),
    ({"kind": "renamed_symbol", "names": {"BTCUSDT": "XBTUSDT"}}, 400, lambda a: a.json()["code"] == -1121),
    (
        {"kind": "symbol_status", "symbols": ["BTCUSDT"]},
        200,
        lambda a: rows(a)[0]["bidPrice"] == "0.00000000" != rows(a)[0]["lastPrice"],
    ),
    (
        {"kind": "symbol_status", "symbols": ["BTCUSDT"], "status": "BREAK", "row": "zero"},
        200,
        lambda a: (rows(a)[0]["lastPrice"], rows(a)[0]["firstId"]) == ("0.00000000", -1),
    ),
    (
        {"kind": "price", "symbols": ["BTCUSDT"], "set": "1.5"},
        200,
        lambda a: rows(a)[0]["lastPrice"] == "1.50000000" and rows(a)[1]["lastPrice"] != "1.50000000",
    ),
    ({"kind": "clock_offset", "offset_ms": 10**11}, 200, lambda a: rows(a)[0]["closeTime"] > unix_now_ms() + 10**10),
    (
        {"kind": "stale_cache", "age_seconds": 300},
        200,
        lambda a: a.headers["Age"] == "300" and rows(a)[0]["closeTime"] < unix_now_ms() - 299_000,
    ),
    ({"kind": "stale_cache", "age_seconds": 300, "is_told": False}, 200, lambda a: "Age" not in a.headers),
    ({"kind": "asset_price", "dollars": 0.5}, 200, lambda a: float(rows(a)[0]["lastPrice"]) > 80_000),
    ({"kind": "used_weight", "weight": 5555}, 200, lambda a: a.headers["X-MBX-USED-WEIGHT-1M"] == "5555"),
    ({"kind": "used_weight", "weight": 6001}, 429, lambda a: a.json()["code"] == -1003),
    ({"kind": "latency", "seconds": 0.05}, 200, lambda a: a.elapsed.total_seconds() >= 0.05),
    ({"kind": "connection_close"}, 200, lambda a: a.headers["Connection"] == "close" and len(rows(a)) == 2),
    ({"kind": "slow_head", "pause_seconds": 0.001}, 200, lambda a: len(rows(a)) == 2),
    ({"kind": "slow_body", "pause_seconds": 0.01, "chunk_bytes": 200}, 200, lambda a: len(rows(a)) == 2),
]
BREAKING_FAULTS: list[dict[str, Any]] = [
    {"kind": "dropped"},
    {"kind": "half_sent"},
    {"kind": "content_length", "change": 7},
    {"kind": "false_gzip"},
]


@pytest.mark.parametrize(("fault", "status", "check"), VISIBLE_FAULTS, ids=[str(fault) for fault, *_ in VISIBLE_FAULTS])
def test_a_fault_shows_as_its_kind_says(
    exchange: RunningSimulator, fault: dict[str, Any], status: int, check: Check
) -> None:
    exchange.faults.add_described(fault)
    answer = get(exchange)
    assert answer.status_code == status
    assert answer.headers["X-Market-Data-Source"] == "simulator"
    assert check(answer), answer.text[:300]


@pytest.mark.parametrize("fault", BREAKING_FAULTS, ids=lambda fault: fault["kind"])
def test_a_broken_answer_is_an_error_to_the_client(exchange: RunningSimulator, fault: dict[str, Any]) -> None:
    exchange.faults.add_described({**fault, "requests": 1})
    with pytest.raises(requests.RequestException):
        get(exchange)
    assert get(exchange).status_code == 200


def test_a_content_length_that_is_too_short_cuts_the_body(exchange: RunningSimulator) -> None:
    exchange.faults.add("content_length", change=-10)
    answer = requests.get(exchange.base_url + TICKERS, headers={"Accept-Encoding": "identity"}, timeout=TIMEOUT_SECONDS)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_every_kind_of_fault_has_been_tried_over_http() -> None:
    tried = [fault for fault, _, _ in VISIBLE_FAULTS] + BREAKING_FAULTS
    assert {fault["kind"] for fault in tried} == set(FAULT_KINDS)


def test_exchange_info_can_fail_alone(exchange: RunningSimulator) -> None:
    exchange.faults.add("status", status=500, path="exchangeInfo")
    assert get(exchange, "/api/v3/exchangeInfo").status_code == 500
    assert get(exchange).status_code == 200


def test_a_halted_symbol_is_halted_in_exchange_info(exchange: RunningSimulator) -> None:
    with exchange.faults.active("symbol_status", symbols=["BTCUSDT"], status="HALT"):
        listing = get(exchange, "/api/v3/exchangeInfo?symbol=BTCUSDT").json()["symbols"]
        assert [row["status"] for row in listing] == ["HALT"]
    listing = get(exchange, "/api/v3/exchangeInfo?symbol=BTCUSDT").json()["symbols"]
    assert [row["status"] for row in listing] == ["TRADING"]


def wait_until(is_so: Callable[[], bool], seconds: float = TIMEOUT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "not within the time"
        threading.Event().wait(0.005)


def test_a_slow_answer_holds_no_other_request_up() -> None:
    with RunningSimulator(seed=1) as exchange:
        exchange.faults.add("latency", seconds=3600, symbols=["SOLUSDT"])
        slow = threading.Thread(target=_get_until_cut_off, args=(exchange,), daemon=True)
        slow.start()
        wait_until(lambda: exchange.requests.total == 1)
        assert get(exchange).status_code == 200
        assert exchange.requests.max_concurrent == 2
        assert [entry.status for entry in exchange.requests.last()] == [None, 200]


def _get_until_cut_off(exchange: RunningSimulator) -> None:
    with socket.create_connection(urlsplit(exchange.base_url).netloc.split(":")) as connection:
        connection.sendall(b"GET /api/v3/ticker/24hr?symbol=SOLUSDT HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(1)


def test_requests_are_counted_by_path_with_their_symbols_and_status(exchange: RunningSimulator) -> None:
    get(exchange)
    get(exchange, "/api/v3/ticker/24hr?symbol=NOSUCH")
    get(exchange, "/api/v3/ping")
    assert exchange.requests.total == 3
    assert exchange.requests.count("ticker/24hr") == 2
    entries = exchange.requests.last(2, "ticker/24hr")
    assert [(entry.symbols, entry.status) for entry in entries] == [
        (("BTCUSDT", "ETHUSDT"), 200),
        (("NOSUCH",), 400),
    ]


def test_requests_one_after_the_other_are_never_concurrent(exchange: RunningSimulator) -> None:
    for _ in range(50):
        get(exchange, "/api/v3/ping")
    assert exchange.requests.max_concurrent == 1


def control(exchange: RunningSimulator, method: str, place: str, value: object = None) -> requests.Response:
    return requests.request(method, f"{exchange.base_url}/_control{place}", json=value, timeout=TIMEOUT_SECONDS)


def test_the_control_address_switches_faults_on_and_off(exchange: RunningSimulator) -> None:
    added = control(exchange, "POST", "/faults", {"kind": "geo_blocked", "path": "ticker/24hr"}).json()
    assert get(exchange).status_code == 451
    assert control(exchange, "GET", "/faults").json()[0]["kind"] == "geo_blocked"
    assert control(exchange, "DELETE", f"/faults/{added['numbers'][0]}").json() == {"removed": True}
    assert get(exchange).status_code == 200
    control(exchange, "PUT", "/faults", [{"kind": "firewall"}])
    assert get(exchange).status_code == 403
    assert control(exchange, "DELETE", "/faults").json() == []
    assert get(exchange).status_code == 200


def test_the_control_address_works_under_faults_and_is_not_counted(exchange: RunningSimulator) -> None:
    exchange.faults.add("dropped")
    exchange.faults.add("latency", seconds=3600)
    assert control(exchange, "GET", "/requests").json()["total"] == 0
    assert control(exchange, "GET", "/requests").headers["X-Market-Data-Source"] == "simulator"


def test_the_control_address_shows_and_forgets_what_was_asked(exchange: RunningSimulator) -> None:
    get(exchange)
    shown = control(exchange, "GET", "/requests?last=5").json()
    assert shown["by_path"] == {"/api/v3/ticker/24hr": 1}
    assert shown["by_status"] == {"200": 1}
    assert shown["last"][0]["symbol_count"] == 2
    assert control(exchange, "DELETE", "/requests").json() == {"total": 0}
    assert exchange.requests.total == 0


def test_the_control_address_resets_the_weight(exchange: RunningSimulator) -> None:
    get(exchange, "/api/v3/ticker/24hr")
    control(exchange, "DELETE", "/weight")
    assert get(exchange, "/api/v3/ping").headers["X-MBX-USED-WEIGHT-1M"] == "1"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b'{"kind": "earthquake"}', "firewall"),
        (b"{", "no JSON"),
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"7", "JSON object with a kind"),
    ],
)
def test_bad_input_is_refused_with_what_would_be_right(exchange: RunningSimulator, body: bytes, complaint: str) -> None:
    answer = requests.post(exchange.base_url + "/_control/faults", data=body, timeout=TIMEOUT_SECONDS)
    assert answer.status_code == 400
    assert complaint in answer.json()["error"]


def test_the_control_address_explains_itself(exchange: RunningSimulator) -> None:
    assert set(control(exchange, "GET", "/").json()["kinds"]) == set(FAULT_KINDS)
    missing = control(exchange, "GET", "/nothing")
    assert missing.status_code == 404
    assert "POST /_control/faults" in missing.json()["see"]
    assert control(exchange, "GET", "/requests?last=many").status_code == 400


def test_an_exchange_that_stops_cuts_its_connections_and_can_come_back() -> None:
    simulator = RunningSimulator(seed=1)
    simulator.start()
    connection = http.client.HTTPConnection(urlsplit(simulator.base_url).netloc, timeout=TIMEOUT_SECONDS)
    connection.request("GET", "/api/v3/ping")
    assert json.loads(connection.getresponse().read()) == {}
    address = simulator.base_url
    simulator.stop()
    with pytest.raises(requests.ConnectionError):
        get(simulator)
    simulator.start()
    try:
        assert simulator.base_url == address
        assert get(simulator).status_code == 200
    finally:
        simulator.stop()
        connection.close()


def test_stopping_does_not_wait_for_slow_answers() -> None:
    simulator = RunningSimulator(seed=1)
    simulator.start()
    simulator.faults.add("latency", seconds=3600)
    slow = threading.Thread(target=_get_until_cut_off, args=(simulator,), daemon=True)
    slow.start()
    wait_until(lambda: simulator.requests.total == 1)
    simulator.stop()
    slow.join(TIMEOUT_SECONDS)
    assert not slow.is_alive()
