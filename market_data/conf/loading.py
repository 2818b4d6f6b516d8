"""Reads the settings from Django's settings or the environment, when they are first needed."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from market_data.conf.declarations import SETTINGS, MarketDataSettings
from market_data.conf.problems import Problem
from market_data.conf.rules import contradictions

Lookup = Callable[[str], Any]
"""Returns what is set under a name, or None where nothing is."""


@dataclass(frozen=True)
class LoadedSettings:
    """The outcome of a load: `settings` is None where any value cannot be read."""

    settings: MarketDataSettings | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.is_error)


def load(lookup: Lookup) -> LoadedSettings:
    """Read every setting through `lookup` and collect all problems instead of stopping at the first."""
    effective: dict[str, Any] = {}
    problems: list[Problem] = []
    for field, setting in SETTINGS.items():
        given = lookup(setting.name)
        is_absent = given is None or (isinstance(given, str) and not given.strip())
        try:
            effective[field] = setting.parse(setting.default if is_absent else given)
        except ValueError as error:
            problems.append(setting.problem(str(error), given))
    if problems:
        return LoadedSettings(None, tuple(problems))
    settings = MarketDataSettings(**effective)
    return LoadedSettings(settings, tuple(contradictions(settings)))


def load_from_django() -> LoadedSettings:
    """Load from Django's settings where they define a name, else from the environment."""
    return load(lambda name: given(name)[0])


def given(name: str) -> tuple[Any, str]:
    """Return what is set under a name, and where; None where nothing is."""
    value = getattr(django_settings, name, None)
    if value is not None:
        return value, "Django settings"
    return os.environ.get(name), "environment"


@lru_cache(maxsize=1)
def get_settings() -> MarketDataSettings:
    """Return the effective settings; raise `ImproperlyConfigured`, naming every error, where there are any."""
    loaded = load_from_django()
    if loaded.settings is None or loaded.errors:
        raise ImproperlyConfigured("\n".join(str(problem) for problem in loaded.errors))
    return loaded.settings


def _forget_settings(**_: object) -> None:
    get_settings.cache_clear()


setting_changed.connect(_forget_settings)
