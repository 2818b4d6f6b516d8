"""Which requests a fault strikes, and what is refused as a fault."""

import pytest

from exchange_simulator.binance.faults import FAULT_KINDS
from exchange_simulator.binance.faults import BinanceFaults as Faults
from exchange_simulator.fault_kinds import FaultInputError
from exchange_simulator.faults import delivery_under, world_under

TICKERS = "/api/v3/ticker/24hr"
INFO = "/api/v3/exchangeInfo"


def kinds(faults: Faults, path: str = TICKERS, symbols: tuple[str, ...] | None = None) -> list[str]:
    return [fault.kind.name for fault in faults.take(path, symbols)]


def test_a_fault_stays_on_until_it_is_removed() -> None:
    faults = Faults()
    fault = faults.add("firewall")
    assert kinds(faults) == kinds(faults) == ["firewall"]
    assert faults.remove(fault.number)
    assert not faults.remove(fault.number)
    assert kinds(faults) == []


def test_a_fault_for_two_requests_strikes_two_requests() -> None:
    faults = Faults()
    faults.add("firewall", requests=2)
    assert [kinds(faults) for _ in range(3)] == [["firewall"], ["firewall"], []]
    assert faults.as_json() == []


@pytest.mark.parametrize("path", ["exchangeInfo", "/exchangeInfo", INFO])
def test_a_fault_for_a_path_leaves_other_paths_alone_and_does_not_count_them(path: str) -> None:
    faults = Faults()
    faults.add("geo_blocked", path=path, requests=1)
    assert kinds(faults, TICKERS) == []
    assert kinds(faults, INFO) == ["geo_blocked"]


def test_a_fault_for_symbols_strikes_whoever_asks_for_one_of_them_or_for_all() -> None:
    faults = Faults()
    faults.add("missing_rows", symbols=["BTCUSDT"])
    assert kinds(faults, symbols=("ETHUSDT",)) == []
    assert kinds(faults, symbols=("ETHUSDT", "BTCUSDT")) == ["missing_rows"]
    assert kinds(faults, symbols=None) == ["missing_rows"]


def test_a_fault_can_be_limited_to_a_block() -> None:
    faults = Faults()
    with faults.active("latency", seconds=0.5):
        assert delivery_under(faults.take(TICKERS, None)).latency_seconds == 0.5
    assert kinds(faults) == []


def test_faults_of_the_market_add_up() -> None:
    faults = Faults()
    faults.add("unknown_symbol", symbols=["BTCUSDT"])
    faults.add("unknown_symbol", symbols=["ETHUSDT"])
    faults.add("clock_offset", offset_ms=-5)
    world = world_under(faults.take(TICKERS, None))
    assert world.unknown_symbols == {"BTCUSDT", "ETHUSDT"}
    assert world.clock_offset_ms == -5


def test_replacing_switches_all_else_off() -> None:
    faults = Faults()
    faults.add("firewall")
    faults.replace([{"kind": "geo_blocked"}, {"kind": "latency", "seconds": 1}])
    assert kinds(faults) == ["geo_blocked", "latency"]


@pytest.mark.parametrize(
    "given", [[{"kind": "geo_blocked"}, {"kind": "no_such"}], "firewall", 7, None, [{"status": 500}]]
)
def test_a_wrong_description_changes_nothing(given: object) -> None:
    faults = Faults()
    faults.add("firewall")
    with pytest.raises(FaultInputError):
        faults.replace(given)
    assert kinds(faults) == ["firewall"]


def test_an_unknown_kind_is_told_which_kinds_there_are() -> None:
    with pytest.raises(FaultInputError) as refusal:
        Faults().add("earthquake")
    assert all(name in str(refusal.value) for name in FAULT_KINDS)


@pytest.mark.parametrize(
    ("description", "wanted"),
    [
        ({"kind": "status"}, "needs a value for status"),
        ({"kind": "status", "status": "500"}, "whole number from 200 to 599"),
        ({"kind": "status", "status": 500, "body": "xml"}, "one of json, html, empty"),
        ({"kind": "latency", "seconds": -1}, "number from 0"),
        ({"kind": "latency", "seconds": float("nan")}, "number from 0"),
        ({"kind": "latency", "seconds": True}, "number from 0"),
        ({"kind": "firewall", "colour": "red"}, "takes no colour"),
        ({"kind": "firewall", "requests": 0}, "requests must be a whole number"),
        ({"kind": "firewall", "symbols": "BTCUSDT"}, "symbols must be a list"),
        ({"kind": "firewall", "symbols": []}, "at least one symbol"),
        ({"kind": "firewall", "path": 3}, "path must be a text"),
        ({"kind": "unknown_symbol"}, "needs symbols"),
        ({"kind": "redirect", "status": 200}, "one of 301, 302"),
        ({"kind": "redirect", "location": "https://a.test\r\nX: 1"}, "an address in one line"),
        ({"kind": "redirect", "location": 7}, "an address in one line"),
        ({"kind": "renamed_symbol"}, "needs a value for names"),
        ({"kind": "renamed_symbol", "names": {}}, "each symbol's new name"),
        ({"kind": "renamed_symbol", "names": ["BTCUSDT"]}, "each symbol's new name"),
        ({"kind": "renamed_symbol", "names": {"BTCUSDT": "btcusdt"}}, "names such as BTCUSDT"),
        ({"kind": "renamed_symbol", "names": {"BTCUSDT": 7}}, "names such as BTCUSDT"),
        ({"kind": "renamed_symbol", "names": {"BTCUSDT": "BTCUSDT"}}, "a new name of its own"),
        ({"kind": "renamed_symbol", "names": {"BTCUSDT": "XUSDT", "ETHUSDT": "XUSDT"}}, "a new name of its own"),
        ({"kind": "price", "set": "free"}, "not a decimal number"),
        ({"kind": "price", "set": "-3"}, "above zero"),
        ({"kind": "price", "set": "NaN"}, "not a decimal number"),
        ({"kind": "extra_rows", "extra": "BTCUSDT"}, "list of texts"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_wanted(description: dict[str, object], wanted: str) -> None:
    with pytest.raises(FaultInputError, match=wanted):
        Faults().add_described(description)


def test_what_is_shown_can_be_switched_on_again() -> None:
    faults = Faults()
    faults.add("price", symbols=["BTCUSDT"], set="43000.5")
    faults.add("status", status=503, path="exchangeInfo", requests=3)
    shown = faults.as_json()
    faults.replace(shown)
    assert [{**row, "number": 0} for row in faults.as_json()] == [{**row, "number": 0} for row in shown]
