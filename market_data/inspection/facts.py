"""What an inspection consists of: facts in sections, each for machines and in words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from market_data.inspection.words import NOTHING


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is so: `value` for machines, `text` for people; `is_trouble` where somebody should look."""

    key: str
    label: str
    value: Any
    text: str
    is_trouble: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Facts about one part of the service; `key` is its name in JSON."""

    key: str
    title: str
    facts: Sequence[Fact]

    @property
    def values(self) -> Mapping[str, Any]:
        return {fact.key: fact.value for fact in self.facts}


def plain(key: str, label: str, value: Any, unit: str = "", *, is_trouble: bool = False) -> Fact:
    """Return a fact whose words are its value with the unit, a dash where there is none."""
    text = NOTHING if value is None else f"{value} {unit}".rstrip()
    return Fact(key, label, value, text, is_trouble)
