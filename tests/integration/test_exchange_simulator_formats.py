"""Kraken and Bitstamp over real HTTP: every kind of fault as a client sees it, and the control address of each."""

import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from exchange_simulator.bitstamp.faults import FAULT_KINDS as BITSTAMP_KINDS
from exchange_simulator.kraken.exchange import BURST
from exchange_simulator.kraken.faults import FAULT_KINDS as KRAKEN_KINDS
from exchange_simulator.server import RunningExchanges, RunningSimulator, unix_now_ms

TIMEOUT_SECONDS = 5
TICKERS = {"kraken": "/0/public/Ticker?pair=XBTUSD,ETHUSD&assetVersion=1", "bitstamp": "/api/v2/ticker/"}
Check = Callable[[requests.Response], bool]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningExchanges]:
    with RunningExchanges(seed=1) as exchanges:
        yield exchanges


@pytest.fixture
def exchanges(running: RunningExchanges) -> RunningExchanges:
    for simulator in running:
        simulator.faults.clear()
        simulator.requests.clear()
        simulator.exchange.reset_limits()
    return running


def get(exchange: RunningSimulator, target: str | None = None) -> requests.Response:
    url = exchange.base_url + (target or TICKERS[exchange.exchange.name])
    return requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False)


def rows(answer: requests.Response) -> dict[str, Any]:
    """Return the rows by their market, whichever exchange they are from."""
    content = answer.json()
    if isinstance(content, dict):
        found: dict[str, Any] = content["result"]
        return found
    return {row["pair"]: row for row in content}


def last(answer: requests.Response, pair: str = "BTC/USD") -> Any:
    row = rows(answer)[pair]
    return row["c"][0] if "c" in row else row["last"]


def date_ms(answer: requests.Response) -> float:
    return parsedate_to_datetime(answer.headers["Date"]).timestamp() * 1000


SHARED_FAULTS: list[tuple[dict[str, Any], int, Check]] = [
    ({"kind": "status", "status": 503}, 503, lambda a: "error" in a.text),
    ({"kind": "status", "status": 520, "body": "html"}, 520, lambda a: a.headers["Content-Type"] == "text/html"),
    ({"kind": "status", "status": 451, "body": "empty"}, 451, lambda a: a.content == b""),
    ({"kind": "status", "status": 429, "retry_after": "7"}, 429, lambda a: a.headers["Retry-After"] == "7"),
    ({"kind": "firewall"}, 403, lambda a: a.text.startswith("<html>")),
    ({"kind": "redirect", "location": "https://elsewhere.test/"}, 302, lambda a: "elsewhere" in a.headers["Location"]),
    ({"kind": "json_body"}, 200, lambda a: a.json() == []),
    ({"kind": "html_body"}, 200, lambda a: a.headers["Content-Type"] == "text/html"),
    ({"kind": "empty_body"}, 200, lambda a: a.content == b""),
    ({"kind": "raw_body", "text": "[NaN]"}, 200, lambda a: a.content == b"[NaN]"),
    ({"kind": "cut_json"}, 200, lambda a: a.content[:1] in (b"[", b"{") and a.content[-1:] not in (b"]", b"}")),
    ({"kind": "nested_json", "depth": 5}, 200, lambda a: a.content == b"[[[[[]]]]]"),
    ({"kind": "huge_body", "mebibytes": 3}, 200, lambda a: len(a.content) > 3 * 1024 * 1024),
    ({"kind": "field_value", "symbols": ["BTC/USD"]}, 200, lambda a: last(a) == "NaN" != last(a, "ETH/USD")),
    ({"kind": "missing_rows", "symbols": ["BTC/USD"]}, 200, lambda a: "BTC/USD" not in rows(a)),
    ({"kind": "null_rows"}, 200, lambda a: "null" in a.text),
    ({"kind": "extra_rows", "extra": ["XRP/USD"]}, 200, lambda a: "XRP/USD" in rows(a)),
    ({"kind": "reversed_rows"}, 200, lambda a: list(rows(a)).index("ETH/USD") < list(rows(a)).index("BTC/USD")),
    ({"kind": "unknown_symbol", "symbols": ["BTC/USD"]}, 200, lambda a: '"BTC/USD"' not in a.text),
    ({"kind": "renamed_symbol", "names": {"BTC/USD": "NEW/USD"}}, 200, lambda a: '"BTC/USD"' not in a.text),
    ({"kind": "symbol_status", "symbols": ["BTC/USD"], "row": "zero"}, 200, lambda a: float(last(a)) == 0),
    ({"kind": "price", "symbols": ["BTC/USD"], "set": "1.5"}, 200, lambda a: float(last(a)) == 1.5),
    ({"kind": "asset_price", "asset": "ETH", "dollars": 7}, 200, lambda a: 6.9 < float(last(a, "ETH/USD")) < 7.1),
    ({"kind": "clock_offset", "offset_ms": 10**11}, 200, lambda a: date_ms(a) > unix_now_ms() + 10**10),
    ({"kind": "stale_cache", "age_seconds": 300}, 200, lambda a: a.headers["Age"] == "300"),
    ({"kind": "latency", "seconds": 0.05}, 200, lambda a: a.elapsed.total_seconds() >= 0.05),
    ({"kind": "connection_close"}, 200, lambda a: a.headers["Connection"] == "close"),
    ({"kind": "slow_head", "pause_seconds": 0.0001, "chunk_bytes": 20}, 200, lambda a: "BTC/USD" in rows(a)),
    ({"kind": "slow_body", "pause_seconds": 0.0001, "chunk_bytes": 99}, 200, lambda a: "BTC/USD" in rows(a)),
]
OWN_FAULTS: dict[str, list[tuple[dict[str, Any], int, Check]]] = {
    "kraken": [
        ({"kind": "rate_limited"}, 200, lambda a: a.json() == {"error": ["EGeneral:Too many requests"]}),
        ({"kind": "error"}, 200, lambda a: a.json() == {"error": ["EService:Unavailable"]}),
        ({"kind": "system_status"}, 200, lambda a: a.json() == {"error": ["EService:Unavailable"]}),
        ({"kind": "missing_field", "field": "h"}, 200, lambda a: "h" not in rows(a)["BTC/USD"]),
    ],
    "bitstamp": [
        ({"kind": "rate_limited"}, 400, lambda a: a.json()["response_code"] == "400.002"),
        ({"kind": "maintenance", "status": 200}, 200, lambda a: "under scheduled maintenance" in a.text),
        ({"kind": "unknown_is_404"}, 200, lambda a: "BTC/USD" in rows(a)),
        ({"kind": "missing_field", "field": "open_24"}, 200, lambda a: "open_24" not in rows(a)["BTC/USD"]),
        ({"kind": "repeated_rows"}, 200, lambda a: len(a.json()) == 2 * len(rows(a))),
    ],
}
BREAKING_FAULTS: list[dict[str, Any]] = [
    {"kind": "dropped"},
    {"kind": "half_sent"},
    {"kind": "content_length", "change": 7},
    {"kind": "false_gzip"},
]
CASES = [(name, *fault) for name, own in OWN_FAULTS.items() for fault in (*SHARED_FAULTS, *own)]


@pytest.mark.parametrize(("name", "fault", "status", "check"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_a_fault_shows_as_its_kind_says(
    exchanges: RunningExchanges, name: str, fault: dict[str, Any], status: int, check: Check
) -> None:
    exchanges[name].faults.add_described(fault)
    answer = get(exchanges[name])
    assert answer.status_code == status
    assert answer.headers["X-Market-Data-Source"] == "simulator"
    assert check(answer), answer.text[:300]


@pytest.mark.parametrize("name", OWN_FAULTS)
@pytest.mark.parametrize("fault", BREAKING_FAULTS, ids=lambda fault: fault["kind"])
def test_a_broken_answer_is_an_error_to_the_client(
    exchanges: RunningExchanges, name: str, fault: dict[str, Any]
) -> None:
    exchanges[name].faults.add_described({**fault, "requests": 1})
    with pytest.raises(requests.RequestException):
        get(exchanges[name])
    assert get(exchanges[name]).status_code == 200


@pytest.mark.parametrize(("name", "kinds"), [("kraken", KRAKEN_KINDS), ("bitstamp", BITSTAMP_KINDS)])
def test_every_kind_of_fault_has_been_tried_over_http(name: str, kinds: dict[str, object]) -> None:
    tried = [fault for fault, _, _ in (*SHARED_FAULTS, *OWN_FAULTS[name])] + BREAKING_FAULTS
    assert {fault["kind"] for fault in tried} == set(kinds)


def control(exchange: RunningSimulator, method: str, place: str, value: object = None) -> requests.Response:
    return requests.request(method, f"{exchange.base_url}/_control{place}", json=value, timeout=TIMEOUT_SECONDS)


def test_each_exchange_has_its_own_faults_counts_and_limits(exchanges: RunningExchanges) -> None:
    kraken, bitstamp = exchanges["kraken"], exchanges["bitstamp"]
    control(kraken, "POST", "/faults", {"kind": "firewall"})
    assert (get(kraken).status_code, get(bitstamp).status_code) == (403, 200)
    get(bitstamp, "/api/v2/ticker/btcusd/")
    shown = control(bitstamp, "GET", "/requests?last=1").json()
    assert (shown["exchange"], shown["total"], shown["last"][0]["symbols"]) == ("bitstamp", 2, ["BTC/USD"])
    assert control(kraken, "GET", "/requests").json()["by_status"] == {"403": 1}
    control(kraken, "DELETE", "/faults")
    for _ in range(2 * BURST):
        get(kraken, "/0/public/Time")
    assert get(kraken, "/0/public/Time").json()["error"] == ["EGeneral:Too many requests"]
    assert control(kraken, "DELETE", "/rate").json() == {"used_rate": 0}
    assert get(kraken, "/0/public/Time").json()["error"] == []


def test_what_is_switched_on_for_the_whole_market_holds_everywhere(exchanges: RunningExchanges) -> None:
    control(exchanges["bitstamp"], "POST", "/faults", {"kind": "asset_price", "asset": "USDT", "dollars": 0.95})
    kraken = rows(get(exchanges["kraken"], "/0/public/Ticker?assetVersion=1&pair=USDT/USD"))
    assert 0.949 < float(kraken["USDT/USD"]["c"][0]) < 0.951
    control(exchanges["bitstamp"], "DELETE", "/faults")
    kraken = rows(get(exchanges["kraken"], "/0/public/Ticker?assetVersion=1&pair=USDT/USD"))
    assert 0.999 < float(kraken["USDT/USD"]["c"][0]) < 1.001


def test_an_exchange_can_go_away_while_the_others_stay() -> None:
    with RunningExchanges(["kraken", "bitstamp"]) as exchanges:
        address = exchanges["kraken"].base_url
        exchanges["kraken"].stop()
        with pytest.raises(requests.ConnectionError):
            get(exchanges["kraken"])
        assert get(exchanges["bitstamp"]).status_code == 200
        exchanges["kraken"].start()
        assert exchanges["kraken"].base_url == address
        assert get(exchanges["kraken"]).status_code == 200


def test_a_whole_market_of_a_thousand_pairs_is_served() -> None:
    with RunningExchanges(["kraken", "bitstamp"], symbols=1000) as exchanges:
        # Two of Kraken's markets are tokenised stocks, which have to be asked for.
        assert len(rows(get(exchanges["kraken"], "/0/public/Ticker?assetVersion=1"))) == 998
        assert len(rows(get(exchanges["bitstamp"]))) == 1000


def test_prices_of_all_exchanges_move_with_the_clock(exchanges: RunningExchanges) -> None:
    for name in OWN_FAULTS:
        before = last(get(exchanges[name]))
        deadline = time.monotonic() + 10
        while last(get(exchanges[name])) == before:
            exchanges[name].exchange.reset_limits()
            assert time.monotonic() < deadline, f"no price of {name} moves"
