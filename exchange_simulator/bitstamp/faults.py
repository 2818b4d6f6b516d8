"""The faults of Bitstamp, in the order of their effect."""

import re
from collections.abc import Mapping
from dataclasses import replace

from exchange_simulator.answer_faults import BODY_FAULTS, LAST_FAULTS, RETRY_AFTER, answer_kind, status_kind
from exchange_simulator.answers import Answer
from exchange_simulator.bitstamp.errors import (
    RATE_LIMITED_CODE,
    RATE_LIMITED_STATUS,
    error_answer,
    maintenance,
    rate_limited,
)
from exchange_simulator.bitstamp.markets import DISABLED, STATUSES
from exchange_simulator.delivery import DELIVERY_FAULTS
from exchange_simulator.fault_kinds import Fault, FaultKind, Stage, Value, integer_between, optional_text
from exchange_simulator.faults import Faults, by_name
from exchange_simulator.row_faults import row_faults
from exchange_simulator.view import MarketView
from exchange_simulator.world import World
from exchange_simulator.world_faults import SymbolNames, world_faults

_NAMES = SymbolNames(
    lambda name: re.fullmatch(r"\w+/\w+(-PERP)?", name) is not None, example="BTC/USD", new_example="NEWBTC/USD"
)


def _answer_404(world: World, fault: Fault) -> World:
    return replace(world, answers_unknown_with_404=True)


def _rate_limited(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return rate_limited(fault["status"], fault["code"]).with_retry_after(fault["retry_after"])


FAULT_KINDS: Mapping[str, FaultKind] = by_name(
    *world_faults(_NAMES, STATUSES, DISABLED),
    FaultKind(
        "unknown_is_404", "the ticker of an unknown market is 404, not the list of all", Stage.WORLD, _answer_404
    ),
    *row_faults("last", "NaN"),
    *BODY_FAULTS,
    status_kind(
        lambda fault: error_answer(fault["status"], fault["message"], fault["code"]),
        message=Value(str, "Internal error"), code=Value(optional_text, None),
    ),
    answer_kind("rate_limited", "a refusal with the response_code of the limit", _rate_limited,
                status=Value(integer_between(200, 599), RATE_LIMITED_STATUS), code=Value(str, RATE_LIMITED_CODE),
                retry_after=RETRY_AFTER),
    answer_kind("maintenance", "a text that says so, and no JSON",
                lambda answer, fault, view: maintenance(fault["status"]), status=Value(integer_between(200, 599), 503)),
    *LAST_FAULTS,
    *DELIVERY_FAULTS,
)  # fmt: skip


class BitstampFaults(Faults):
    def __init__(self) -> None:
        super().__init__(FAULT_KINDS, _NAMES.example)
