"""System checks: the configuration's problems, with ids and hints."""

from typing import Any

from django.conf import settings as django_settings
from django.core import checks

from market_data.conf import LoadedSettings, load_from_django

REDIS_BACKEND = "django_redis.cache.RedisCache"


def check_settings(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Report every value that cannot be read and every pair of values that contradict each other."""
    loaded = load_from_django()
    messages: list[checks.CheckMessage] = [
        (checks.Error if problem.is_error else checks.Warning)(problem.message, hint=problem.hint, id=problem.id)
        for problem in loaded.problems
    ]
    return messages + _cache_alias_messages(loaded)


def _cache_alias_messages(loaded: LoadedSettings) -> list[checks.CheckMessage]:
    if loaded.settings is None:
        return []
    alias = loaded.settings.cache_alias
    backend = django_settings.CACHES.get(alias, {}).get("BACKEND")
    if backend == REDIS_BACKEND:
        return []
    return [
        checks.Error(
            f'CACHES["{alias}"] has the backend {backend!r}, and prices are read from Redis alone.',
            hint=f'Write CACHES["{alias}"] = {{"BACKEND": "{REDIS_BACKEND}", "LOCATION": "redis://127.0.0.1:6379/0"}}',
            id="market_data.E104",
        )
    ]
