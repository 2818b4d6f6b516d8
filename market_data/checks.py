"""System checks: the configuration's problems, with ids and hints."""

from typing import Any

from django.conf import settings as django_settings
from django.core import checks

from market_data.conf.loading import LoadedSettings, load_from_django
from market_data.conf.problems import Problem, Severity

REDIS_BACKEND = "django_redis.cache.RedisCache"


def check_settings(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Report every value that cannot be read and every pair of values that contradict each other."""
    return [
        (checks.Error if problem.is_error else checks.Warning)(problem.message, hint=problem.hint, id=problem.id)
        for problem in all_problems(load_from_django())
    ]


def all_problems(loaded: LoadedSettings) -> tuple[Problem, ...]:
    """Return what is wrong with the settings, and with the entry of Django's `CACHES` that they name."""
    if loaded.settings is None:
        return loaded.problems
    alias = loaded.settings.cache_alias
    backend = django_settings.CACHES.get(alias, {}).get("BACKEND")
    if backend == REDIS_BACKEND:
        return loaded.problems
    wrong_backend = Problem(
        104,
        Severity.ERROR,
        ("MARKET_DATA_CACHE_ALIAS",),
        f'MARKET_DATA_CACHE_ALIAS: CACHES["{alias}"] has the backend {backend!r}; prices are read from Redis alone.',
        f'Write CACHES["{alias}"] = {{"BACKEND": "{REDIS_BACKEND}", "LOCATION": "redis://127.0.0.1:6379/0"}}',
    )
    return (*loaded.problems, wrong_backend)
