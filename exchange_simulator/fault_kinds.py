"""What a fault is: its kind, its values, and the requests that it strikes."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

REQUIRED = object()


class FaultInputError(ValueError):
    """A fault that cannot be switched on; the text says what is wrong and what would be right."""


class Stage(Enum):
    """When a fault takes effect: on the market, on the finished answer, or while that is sent."""

    WORLD = "world"
    ANSWER = "answer"
    DELIVERY = "delivery"


@dataclass(frozen=True)
class Value:
    """One value of a fault: how it is read (ValueError says what is wanted) and what it is by default."""

    read: Callable[[Any], Any]
    default: Any = REQUIRED


@dataclass(frozen=True)
class Fault:
    """`symbols` and `path` limit the requests that it strikes; `values` are those of its kind."""

    number: int
    kind: "FaultKind"
    values: Mapping[str, Any]
    path: str = ""
    symbols: frozenset[str] | None = None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def concerns(self, symbol: object) -> bool:
        return self.symbols is None or symbol in self.symbols


@dataclass(frozen=True)
class FaultKind:
    """`apply` takes the subject of its stage and the fault, for answers also the market's view."""

    name: str
    summary: str
    stage: Stage
    apply: Callable[..., Any]
    values: Mapping[str, Value] = field(default_factory=dict)
    needs_symbols: bool = False
    is_market_wide: bool = False
    """Holds at every exchange of the process, and knows no limits."""

    def read_values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        unknown = given.keys() - self.values.keys()
        if unknown:
            raise FaultInputError(
                f"{self.name} takes no {', '.join(sorted(unknown))}; "
                f"it takes {', '.join(self.values) or 'no value'}, and every kind path, symbols and requests"
            )
        return {name: self._read_value(name, given.get(name, value.default)) for name, value in self.values.items()}

    def _read_value(self, name: str, given: Any) -> Any:
        if given is REQUIRED:
            raise FaultInputError(f"{self.name} needs a value for {name}")
        try:
            return self.values[name].read(given)
        except ValueError as error:
            raise FaultInputError(f"{self.name}: {name} {error}, not {given!r}") from error


def anything(value: Any) -> Any:
    return value


def optional_text(value: Any) -> str | None:
    return None if value is None else str(value)


def text_list(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple | set | frozenset) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of texts")
    return tuple(value)


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def number_between(least: float, most: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or not least <= value <= most:
            raise ValueError(f"must be a number from {least:g} to {most:g}")
        return float(value)

    return read


def integer_between(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return read


def one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return str(value)

    return read
