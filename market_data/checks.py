"""System checks: the configuration's problems, with ids and hints."""

from typing import Any

from django.core import checks

from market_data.conf.loading import LoadedSettings, load_from_django
from market_data.conf.problems import Problem, Rule, Severity
from market_data.ticker_cache.cache_alias import (
    UnusableConnectionError,
    WrongClientError,
    aliases_of_the_same_database,
    open_client,
)

_ALIAS = "MARKET_DATA_CACHE_ALIAS"
NO_REDIS_CLIENT = Rule(
    104, Severity.ERROR, (_ALIAS,),
    "the app needs the client of django-redis, or a subclass, for one Redis server or the primary that sentinels name",
)  # fmt: skip
UNUSABLE_CONNECTION = Rule(105, Severity.ERROR, (_ALIAS,), "the app cannot work with this connection to Redis")
SHARED_DATABASE = Rule(
    104, Severity.WARNING, (_ALIAS,),
    "cache.clear() there would delete every price and what the fetcher remembers of limits and bans",
)  # fmt: skip
CACHE_RULES = (NO_REDIS_CLIENT, UNUSABLE_CONNECTION, SHARED_DATABASE)
_OWN_ENTRY = (
    f'Write {_ALIAS} = "market_data" and CACHES["market_data"] = {{"BACKEND": "django_redis.cache.RedisCache", '
    '"LOCATION": "redis://127.0.0.1:6379/1"}, with a database number that nothing else uses'
)


def check_settings(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Report every value that cannot be read and all values that cannot work together."""
    return [
        (checks.Error if problem.is_error else checks.Warning)(problem.message, hint=problem.hint, id=problem.id)
        for problem in all_problems(load_from_django())
    ]


def all_problems(loaded: LoadedSettings) -> tuple[Problem, ...]:
    """Return what is wrong with the settings, and with the entry of Django's `CACHES` that they name."""
    if loaded.settings is None:
        return loaded.problems
    return (*loaded.problems, *_cache_problems(loaded.settings.cache_alias))


def _cache_problems(alias: str) -> list[Problem]:
    entry = f'CACHES["{alias}"]'
    try:
        open_client(alias)
    except WrongClientError as error:
        return [NO_REDIS_CLIENT.broken(str(error), _OWN_ENTRY)]
    except UnusableConnectionError as error:
        return [UNUSABLE_CONNECTION.broken(str(error), f"Correct LOCATION and OPTIONS of {entry}")]
    others = aliases_of_the_same_database(alias)
    if others:
        return [SHARED_DATABASE.broken(f"{entry} has its database in common with {', '.join(others)}", _OWN_ENTRY)]
    if alias == "default":
        return [SHARED_DATABASE.broken(f"{entry} is also the cache of the whole project", _OWN_ENTRY)]
    return []
