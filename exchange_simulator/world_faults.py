"""Faults of the market itself: clock, weight used by others, symbols, statuses, prices."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from exchange_simulator.amounts import parse_amount
from exchange_simulator.fault_kinds import (
    Fault,
    FaultKind,
    Stage,
    Value,
    integer_between,
    number_between,
    one_of,
)
from exchange_simulator.parameters import SYMBOL_STATUSES, is_symbol_name
from exchange_simulator.world import FROZEN, ROW_FORMS, PriceChange, SymbolState, World

TEN_YEARS_MS = 315_360_000_000
MOST_WEIGHT = 10_000_000


def _price(value: object) -> str | None:
    if value is None:
        return None
    if parse_amount(str(value)) <= 0:
        raise ValueError("must be a price above zero")
    return str(value)


def _new_names(value: object) -> Mapping[str, str]:
    """Read an object from present to new names."""
    if not isinstance(value, dict) or not value:
        raise ValueError('must name each symbol\'s new name, for example {"BTCUSDT": "XBTUSDT"}')
    names = [*value, *value.values()]
    if not all(isinstance(name, str) and is_symbol_name(name) for name in names):
        raise ValueError("must have names such as BTCUSDT")
    if len(set(value.values())) < len(value) or any(name == new for name, new in value.items()):
        raise ValueError("must give each symbol a new name of its own")
    return dict(value)


def _offset_clock(world: World, fault: Fault) -> World:
    return replace(world, clock_offset_ms=fault["offset_ms"])


def _use_weight(world: World, fault: Fault) -> World:
    return replace(world, used_weight=fault["weight"])


def _hide_symbols(world: World, fault: Fault) -> World:
    return replace(world, unknown_symbols=world.unknown_symbols | (fault.symbols or frozenset()))


def _rename_symbols(world: World, fault: Fault) -> World:
    names: dict[str, Any] = {**world.renamed_symbols, **fault["names"]}
    return replace(world, renamed_symbols=names)


def _set_status(world: World, fault: Fault) -> World:
    state = SymbolState(fault["status"], fault["row"])
    return replace(world, states={**world.states, **dict.fromkeys(fault.symbols or (), state)})


def _change_price(world: World, fault: Fault) -> World:
    price = fault["set"]
    change = PriceChange(fault["multiply"], None if price is None else parse_amount(price))
    changes = dict.fromkeys(fault.symbols or (None,), change)
    return replace(world, price_changes={**world.price_changes, **changes})


WORLD_FAULTS = (
    FaultKind(
        "clock_offset", "the exchange's clock is off: closeTime, serverTime and Date", Stage.WORLD, _offset_clock,
        {"offset_ms": Value(integer_between(-TEN_YEARS_MS, TEN_YEARS_MS))},
    ),
    FaultKind(
        "used_weight", "the weight used this minute stands at this figure", Stage.WORLD, _use_weight,
        {"weight": Value(integer_between(0, MOST_WEIGHT))},
    ),
    FaultKind(
        "unknown_symbol", "the symbols are not known any more", Stage.WORLD, _hide_symbols, needs_symbols=True
    ),
    FaultKind(
        "renamed_symbol", "symbols are not known by their names any more, but by new ones; so is the base asset",
        Stage.WORLD, _rename_symbols, {"names": Value(_new_names)},
    ),
    FaultKind(
        "symbol_status", "the symbols have another status; their rows are live, frozen or zero",
        Stage.WORLD, _set_status,
        {"status": Value(one_of(*SYMBOL_STATUSES), "HALT"), "row": Value(one_of(*ROW_FORMS), FROZEN)},
        needs_symbols=True,
    ),
    FaultKind(
        "price", "the last price is multiplied, or set", Stage.WORLD, _change_price,
        {"multiply": Value(number_between(1e-9, 1e9), 1.0), "set": Value(_price, None)},
    ),
)  # fmt: skip
