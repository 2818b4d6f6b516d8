"""Faults of the market itself: clock, cache, symbols, statuses, prices."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from exchange_simulator.amounts import parse_amount
from exchange_simulator.assets import DOLLARS
from exchange_simulator.fault_kinds import (
    Fault,
    FaultKind,
    Stage,
    Value,
    boolean,
    integer_between,
    number_between,
    one_of,
)
from exchange_simulator.world import FROZEN, ROW_FORMS, PriceChange, StaleCache, SymbolState, World

TEN_YEARS_MS = 315_360_000_000
MOST_CACHE_SECONDS = 1_000_000


@dataclass(frozen=True)
class SymbolNames:
    """What an exchange takes for the name of a symbol, and two that it would."""

    is_symbol: Callable[[str], bool]
    example: str
    new_example: str


def _price(value: object) -> str | None:
    if value is None:
        return None
    if parse_amount(str(value)) <= 0:
        raise ValueError("must be a price above zero")
    return str(value)


def _new_names(names: SymbolNames) -> Callable[[object], Mapping[str, str]]:
    """Read an object from present to new names."""

    def read(value: object) -> Mapping[str, str]:
        if not isinstance(value, dict) or not value:
            example = f'{{"{names.example}": "{names.new_example}"}}'
            raise ValueError(f"must name each symbol's new name, for example {example}")
        given = [*value, *value.values()]
        if not all(isinstance(name, str) and names.is_symbol(name) for name in given):
            raise ValueError(f"must have names such as {names.example}")
        if len(set(value.values())) < len(value) or any(name == new for name, new in value.items()):
            raise ValueError("must give each symbol a new name of its own")
        return dict(value)

    return read


def _offset_clock(world: World, fault: Fault) -> World:
    return replace(world, clock_offset_ms=fault["offset_ms"])


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


def _set_dollars(world: World, fault: Fault) -> World:
    return replace(world, dollars={**world.dollars, fault["asset"]: fault["dollars"]})


def _keep_in_cache(world: World, fault: Fault) -> World:
    return replace(world, stale_cache=StaleCache(fault["seconds"], fault["age_seconds"], fault["is_told"]))


def world_faults(names: SymbolNames, statuses: Sequence[str], usual_status: str) -> tuple[FaultKind, ...]:
    """Return the kinds that every exchange has; `usual_status` is what `symbol_status` sets where it is not told."""
    return (
        FaultKind(
            "clock_offset", "the exchange's clock is off: Date, and every time in its answers",
            Stage.WORLD, _offset_clock, {"offset_ms": Value(integer_between(-TEN_YEARS_MS, TEN_YEARS_MS))},
        ),
        FaultKind(
            "stale_cache", "the edge cache keeps every answer for so many seconds, and says so in Age or does not; "
            "age_seconds is how old an answer is when it comes", Stage.WORLD, _keep_in_cache,
            {
                "seconds": Value(number_between(0, MOST_CACHE_SECONDS), 20),
                "age_seconds": Value(number_between(0, MOST_CACHE_SECONDS), 0),
                "is_told": Value(boolean, True),
            },
        ),
        FaultKind(
            "unknown_symbol", "the symbols are not known any more", Stage.WORLD, _hide_symbols, needs_symbols=True
        ),
        FaultKind(
            "renamed_symbol", "symbols are not known by their names any more, but by new ones; so is the base asset",
            Stage.WORLD, _rename_symbols, {"names": Value(_new_names(names))},
        ),
        FaultKind(
            "symbol_status", "the symbols have another status; their rows are live, frozen or zero",
            Stage.WORLD, _set_status,
            {"status": Value(one_of(*statuses), usual_status), "row": Value(one_of(*ROW_FORMS), FROZEN)},
            needs_symbols=True,
        ),
        FaultKind(
            "price", "the last price is multiplied, or set", Stage.WORLD, _change_price,
            {"multiply": Value(number_between(1e-9, 1e9), 1.0), "set": Value(_price, None)},
        ),
        FaultKind(
            "asset_price", "an asset is worth so many dollars, at every exchange of this process", Stage.WORLD,
            _set_dollars,
            {"asset": Value(one_of(*DOLLARS), "USDT"), "dollars": Value(number_between(1e-9, 1e9), 0.95)},
            is_market_wide=True,
        ),
    )  # fmt: skip
