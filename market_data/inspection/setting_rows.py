"""Every setting with its effective value, where that comes from, and what the checks say of it. Pure."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from market_data.conf.declarations import Setting
from market_data.conf.problems import Problem
from market_data.inspection.masking import NOT_SET, masked

DEFAULT = "default"
NOT_SHOWN = "not shown, for it may hold a password"
Given = Callable[[str], tuple[Any, str]]
"""Returns what is set under a name, None where nothing is, and where."""


@dataclass(frozen=True)
class SiteSettings:
    """What a project tells about its own settings, in Django's setting `MARKET_DATA_SITE_SETTINGS`.

    `declared` are settings that it reads from the environment, `sources` maps variables to where they really come
    from, such as the name of a file.
    """

    declared: Sequence[Setting] = ()
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as people see it; nothing in it repeats a password. `verdict` is `ok`, `warning` or `error`."""

    name: str
    value: str
    default: str
    source: str
    unit: str
    meaning: str
    verdict: str
    problems: tuple[str, ...]

    @property
    def is_default(self) -> bool:
        return self.source == DEFAULT


def setting_rows(declared: Iterable[Setting], given: Given, problems: Sequence[Problem]) -> list[SettingRow]:
    """Return a row for each setting, with those of the checks' problems that are about it."""
    return [_row(setting, *given(setting.name), problems) for setting in declared]


def _row(setting: Setting, value: Any, source: str, problems: Sequence[Problem]) -> SettingRow:
    is_absent = value is None or (isinstance(value, str) and not value.strip())
    effective = setting.default if is_absent else value
    about = [problem for problem in problems if setting.name in problem.settings]
    try:
        shown = _shown(setting, setting.parse(effective), effective)
    except ValueError as error:
        shown = NOT_SHOWN if setting.is_secret else str(value)
        about = about or [setting.problem(str(error), value)]
    verdict = "error" if any(problem.is_error for problem in about) else "warning" if about else "ok"
    return SettingRow(
        name=setting.name,
        value=shown,
        default=setting.default or NOT_SET,
        source=DEFAULT if is_absent else source,
        unit=setting.unit,
        meaning=setting.meaning,
        verdict=verdict,
        problems=tuple(str(problem) for problem in about),
    )


def _shown(setting: Setting, parsed: Any, written: Any) -> str:
    if setting.is_secret:
        if isinstance(parsed, tuple):
            return _json([masked(item) for item in parsed])
        return masked(parsed if isinstance(parsed, str) else str(written))
    if isinstance(parsed, str):
        return parsed or NOT_SET
    return _json(parsed)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
