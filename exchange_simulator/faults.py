"""The faults that are switched on, and which of them strike a request."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

from exchange_simulator.answers import Answer
from exchange_simulator.delivery import Delivery
from exchange_simulator.fault_kinds import (
    REQUIRED,
    Fault,
    FaultInputError,
    FaultKind,
    Stage,
    integer_between,
    text_list,
)
from exchange_simulator.request_log import path_matches
from exchange_simulator.view import MarketView
from exchange_simulator.world import World


def by_name(*kinds: FaultKind) -> Mapping[str, FaultKind]:
    """Return the kinds of an exchange, in the order in which faults of them take effect."""
    return {kind.name: kind for kind in kinds}


class Faults:
    """Safe to use from any thread. A fault stays on until it is removed or has struck its last request.

    `kinds` are those of an exchange, `example` is a symbol of it.
    """

    def __init__(self, kinds: Mapping[str, FaultKind], example: str) -> None:
        self.kinds = kinds
        self._example = example
        self._order = {name: place for place, name in enumerate(kinds)}
        self._neighbours: tuple[Faults, ...] = ()
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._active: dict[int, Fault] = {}
        self._remaining: dict[int, int] = {}

    def add(
        self,
        kind: str,
        *,
        path: str = "",
        symbols: Iterable[str] | None = None,
        requests: int | None = None,
        **values: Any,
    ) -> Fault:
        """Switch a fault on; raise FaultInputError where kind or values make no sense.

        `path` limits it to a path, whole or by its last parts; `symbols` to requests that ask for one
        of them; `requests` to so many requests.
        """
        description = {"kind": kind, "path": path, "symbols": symbols, "requests": requests, **values}
        return self.add_described(description)[0]

    def add_described(self, given: object) -> list[Fault]:
        """Switch on the faults of a JSON description, one object or a list of them: all or, where one is wrong, none.

        Each has a `kind`, may have the limits `path`, `symbols` and `requests`, and the values of its kind.
        """
        descriptions = given if isinstance(given, list) else [given]
        read = [self._read_description(description) for description in descriptions]
        with self._lock:
            for fault, requests in read:
                self._active[fault.number] = fault
                if requests is not None:
                    self._remaining[fault.number] = requests
        return [fault for fault, _ in read]

    def replace(self, given: object) -> list[Fault]:
        """Switch on what is described, and all else off; change nothing where a description is wrong."""
        earlier = list(self._active)
        added = self.add_described(given)
        for number in earlier:
            self.remove(number)
        return added

    def remove(self, number: int) -> bool:
        """Switch a fault off; return whether it was still on."""
        with self._lock:
            self._remaining.pop(number, None)
            return self._active.pop(number, None) is not None

    def clear(self) -> None:
        with self._lock:
            self._active.clear()
            self._remaining.clear()

    @contextmanager
    def active(self, kind: str, **description: Any) -> Iterator[Fault]:
        """Keep a fault on for the length of a `with` block."""
        fault = self.add(kind, **description)
        try:
            yield fault
        finally:
            self.remove(fault.number)

    def take(self, path: str, symbols: tuple[str, ...] | None) -> list[Fault]:
        """Return the faults that strike a request, in the order of their effect, and count it for each."""
        with self._lock:
            struck = [fault for fault in self._active.values() if _strikes(fault, path, symbols)]
            for fault in struck:
                self._count_down(fault.number)
        struck += [fault for neighbour in self._neighbours for fault in neighbour.market_wide()]
        return sorted(struck, key=lambda fault: self._order[fault.kind.name])

    def market_wide(self) -> list[Fault]:
        with self._lock:
            return [fault for fault in self._active.values() if fault.kind.is_market_wide]

    def share_market_with(self, all_faults: Iterable["Faults"]) -> None:
        """Let what is switched on at the other exchanges for the whole market hold at this one too."""
        self._neighbours = tuple(faults for faults in all_faults if faults is not self)

    def _count_down(self, number: int) -> None:
        if number in self._remaining:
            self._remaining[number] -= 1
            if self._remaining[number] == 0:
                del self._remaining[number], self._active[number]

    def _read_description(self, description: object) -> tuple[Fault, int | None]:
        """Return a fault and the number of requests that it is limited to."""
        if not isinstance(description, dict):
            raise FaultInputError('a fault is a JSON object with a kind, for example {"kind": "firewall"}')
        kind = self.kinds.get(str(description.get("kind")))
        if kind is None:
            raise FaultInputError(
                f"no kind of fault is called {description.get('kind')!r}; there are {', '.join(self.kinds)}"
            )
        limits = {name: _read_limit(name, description.get(name)) for name in _LIMITS}
        if kind.needs_symbols and not limits["symbols"]:
            raise FaultInputError(f'{kind.name} needs symbols, for example "symbols": ["{self._example}"]')
        if kind.is_market_wide and any(limits.values()):
            raise FaultInputError(f"{kind.name} is of the whole market; leave out {', '.join(_LIMITS)}")
        given = {name: value for name, value in description.items() if name not in ("kind", "number", *_LIMITS)}
        values = kind.read_values(given)
        fault = Fault(next(self._numbers), kind, values, limits["path"] or "", limits["symbols"])
        return fault, limits["requests"]

    def as_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [
                {
                    "number": fault.number,
                    "kind": fault.kind.name,
                    "path": fault.path,
                    "symbols": None if fault.symbols is None else sorted(fault.symbols),
                    "requests": self._remaining.get(fault.number),
                    **fault.values,
                }
                for fault in self._active.values()
            ]


def _read_path(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


def _read_symbols(value: object) -> frozenset[str]:
    names = frozenset(text_list(value))
    if not names:
        raise ValueError("must name at least one symbol, or be left out for all")
    return names


_LIMITS: Mapping[str, Callable[[Any], Any]] = {
    "path": _read_path,
    "symbols": _read_symbols,
    "requests": integer_between(1, 1_000_000_000),
}


def _read_limit(name: str, value: object) -> Any:
    if value is None:
        return None
    try:
        return _LIMITS[name](value)
    except ValueError as error:
        raise FaultInputError(f"{name} {error}, not {value!r}") from error


def _strikes(fault: Fault, path: str, symbols: tuple[str, ...] | None) -> bool:
    is_asked = fault.symbols is None or symbols is None or not fault.symbols.isdisjoint(symbols)
    return is_asked and path_matches(path, fault.path)


def _of_stage(faults: Iterable[Fault], stage: Stage) -> Iterator[Fault]:
    return (fault for fault in faults if fault.kind.stage is stage)


def world_under(faults: Iterable[Fault]) -> World:
    world = World()
    for fault in _of_stage(faults, Stage.WORLD):
        world = fault.kind.apply(world, fault)
    return world


def answer_under(faults: Iterable[Fault], answer: Answer, view: MarketView) -> Answer:
    for fault in _of_stage(faults, Stage.ANSWER):
        answer = fault.kind.apply(answer, fault, view)
    return answer


def delivery_under(faults: Iterable[Fault]) -> Delivery:
    delivery = Delivery()
    for fault in _of_stage(faults, Stage.DELIVERY):
        delivery = fault.kind.apply(delivery, fault)
    return delivery


def kinds_as_json(kinds: Mapping[str, FaultKind]) -> dict[str, Any]:
    """Return every kind with its summary and its values: a default, or null with `is_required`."""
    return {
        kind.name: {
            "summary": kind.summary,
            "needs_symbols": kind.needs_symbols,
            "values": {
                name: {
                    "is_required": value.default is REQUIRED,
                    "default": None if value.default is REQUIRED else value.default,
                }
                for name, value in kind.values.items()
            },
        }
        for kind in kinds.values()
    }
