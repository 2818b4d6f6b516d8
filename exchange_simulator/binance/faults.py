"""The faults of Binance, in the order of their effect."""

from collections.abc import Mapping
from dataclasses import replace

from exchange_simulator.answer_faults import BODY_FAULTS, LAST_FAULTS, answer_kind, status_kind
from exchange_simulator.answers import Answer
from exchange_simulator.binance.endpoints import BinanceView
from exchange_simulator.binance.errors import banned, error_answer, rate_limited
from exchange_simulator.binance.parameters import SYMBOL_STATUSES, is_symbol_name
from exchange_simulator.delivery import DELIVERY_FAULTS
from exchange_simulator.fault_kinds import (
    Fault,
    FaultKind,
    Stage,
    Value,
    integer_between,
    number_between,
    optional_text,
)
from exchange_simulator.faults import Faults, by_name
from exchange_simulator.row_faults import row_faults
from exchange_simulator.world import World
from exchange_simulator.world_faults import SymbolNames, world_faults

MOST_WEIGHT = 10_000_000
_NAMES = SymbolNames(is_symbol_name, example="BTCUSDT", new_example="XBTUSDT")


def _use_weight(world: World, fault: Fault) -> World:
    return replace(world, used_weight=fault["weight"])


def _status(fault: Fault) -> Answer:
    return error_answer(fault["status"], fault["code"], fault["message"])


def _rate_limited(answer: Answer, fault: Fault, view: BinanceView) -> Answer:
    return rate_limited(view.weight_limit, fault["retry_after"])


def _banned(answer: Answer, fault: Fault, view: BinanceView) -> Answer:
    until_ms = view.exchange_time_ms + round(fault["seconds"] * 1000)
    return banned(until_ms, fault["retry_after"])


def _geo_blocked(answer: Answer, fault: Fault, view: BinanceView) -> Answer:
    return error_answer(451, 0, "Service unavailable from a restricted location.")


_REFUSALS = (
    status_kind(
        _status,
        code=Value(integer_between(-99_999, 99_999), -1000),
        message=Value(str, "An unknown error occurred while processing the request."),
    ),
    answer_kind("rate_limited", "429; Retry-After is any text, or left out for null", _rate_limited,
                retry_after=Value(optional_text, "30")),
    answer_kind("banned", "418; the text names the end of the ban, so many seconds from now", _banned,
                seconds=Value(number_between(0, 1e7), 120), retry_after=Value(optional_text, "120")),
    answer_kind("geo_blocked", "451 with code 0: a restricted location", _geo_blocked),
)  # fmt: skip

FAULT_KINDS: Mapping[str, FaultKind] = by_name(
    *world_faults(_NAMES, SYMBOL_STATUSES, "HALT"),
    FaultKind(
        "used_weight", "the weight used this minute stands at this figure", Stage.WORLD, _use_weight,
        {"weight": Value(integer_between(0, MOST_WEIGHT))},
    ),
    *row_faults("lastPrice", "NaN"),
    *BODY_FAULTS,
    *_REFUSALS,
    *LAST_FAULTS,
    *DELIVERY_FAULTS,
)  # fmt: skip


class BinanceFaults(Faults):
    def __init__(self) -> None:
        super().__init__(FAULT_KINDS, _NAMES.example)
