"""The faults of Kraken, in the order of their effect."""

import re
from collections.abc import Mapping
from dataclasses import replace

from exchange_simulator.answer_faults import BODY_FAULTS, LAST_FAULTS, answer_kind, status_kind
from exchange_simulator.answers import Answer
from exchange_simulator.delivery import DELIVERY_FAULTS
from exchange_simulator.fault_kinds import Fault, FaultKind, Stage, Value, boolean, one_of, text_list
from exchange_simulator.faults import Faults, by_name
from exchange_simulator.kraken.endpoints import MAINTENANCE, SYSTEM_STATUSES
from exchange_simulator.kraken.errors import INTERNAL_ERROR, TOO_MANY_REQUESTS, UNAVAILABLE, error_answer
from exchange_simulator.kraken.markets import STATUSES
from exchange_simulator.row_faults import row_faults
from exchange_simulator.view import MarketView
from exchange_simulator.world import World
from exchange_simulator.world_faults import SymbolNames, world_faults

_NAMES = SymbolNames(
    lambda name: re.fullmatch(r"\w+/\w+(:\w+)?", name) is not None, example="BTC/USD", new_example="NEWBTC/USD"
)


def _set_system_status(world: World, fault: Fault) -> World:
    return replace(world, system_status=fault["status"])


def _error(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    failed = error_answer(*fault["errors"])
    if not fault["with_result"] or not isinstance(answer.payload, dict) or "result" not in answer.payload:
        return failed
    return replace(failed, payload={**failed.payload, "result": answer.payload["result"]})


FAULT_KINDS: Mapping[str, FaultKind] = by_name(
    *world_faults(_NAMES, STATUSES, "cancel_only"),
    FaultKind(
        "system_status", f"what SystemStatus says; under {MAINTENANCE} all else answers {UNAVAILABLE}",
        Stage.WORLD, _set_system_status, {"status": Value(one_of(*SYSTEM_STATUSES), MAINTENANCE)},
    ),
    # The rows are members of an object, so none can come twice.
    *(kind for kind in row_faults("c", ["NaN", "1.00000000"]) if kind.name != "repeated_rows"),
    *BODY_FAULTS,
    status_kind(
        lambda fault: error_answer(fault["message"], status=fault["status"]), message=Value(str, INTERNAL_ERROR)
    ),
    answer_kind("error", "200 with these errors, and with the result as well or without it", _error,
                errors=Value(text_list, (UNAVAILABLE,)), with_result=Value(boolean, False)),
    answer_kind("rate_limited", f"200 with {TOO_MANY_REQUESTS}", lambda *_: error_answer(TOO_MANY_REQUESTS)),
    *LAST_FAULTS,
    *DELIVERY_FAULTS,
)  # fmt: skip


class KrakenFaults(Faults):
    def __init__(self) -> None:
        super().__init__(FAULT_KINDS, _NAMES.example)
