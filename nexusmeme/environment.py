"""The site's own settings: declared like the app's, read from the environment and `.env`."""

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from redis import ConnectionPool

from market_data.conf.declarations import SETTINGS, Setting
from market_data.conf.parsers import text, text_list
from market_data.ticker.pairs import quoted
from market_data.ticker_cache.cache_alias import pool_fault
from nexusmeme.env_file import load_env_file, stop
from nexusmeme.redis_cache import SENTINEL_SCHEME, SentinelAddress

_ENCODE = "in a user name or password write special characters percent-encoded, / as %2F and @ as %40"
# What Django lets through of a request's `Host`, so that anything else is never met.
_HOST = r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
_ALLOWED_HOST = re.compile(rf"\*|\.?{_HOST}", re.IGNORECASE)
_ORIGIN = re.compile(rf"https?://(?:\*\.)?{_HOST}(?::[0-9]+)?", re.IGNORECASE)
_TRUE, _FALSE = ("true", "on", "yes", "1"), ("false", "off", "no", "0")


def _boolean(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _TRUE + _FALSE:
        raise ValueError("the value is neither true nor false")
    return word in _TRUE


def _log_level(value: Any) -> str:
    level = text(value).upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("the value is none of DEBUG, INFO, WARNING and ERROR")
    return level


def _log_format(value: Any) -> str:
    name = text(value).lower()
    if name not in ("keyvalue", "json"):
        raise ValueError("the value is neither keyvalue nor json")
    return name


def _allowed_hosts(value: Any) -> tuple[str, ...]:
    hosts = tuple(filter(None, text_list(value)))
    for host in hosts:
        if not _ALLOWED_HOST.fullmatch(host):
            raise ValueError(
                f"{quoted(host)} is no host name: write it without https://, port, path and blanks, an IPv6 address in "
                "brackets, and .example.org for every host below a domain"
            )
    if not hosts:
        raise ValueError("the list is empty, so every request would be refused")
    return hosts


def _origins(value: Any) -> tuple[str, ...]:
    origins = tuple(filter(None, text_list(value)))
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{quoted(origin)} is no origin: write https://, the host, its port if it is not the usual one, and "
                "nothing behind them"
            )
    return origins


def _redis_url(value: Any) -> str:
    url = text(value)
    if not url.startswith(("redis://", "rediss://", "unix://", SENTINEL_SCHEME)):
        raise ValueError(f"the address does not begin with redis://, rediss://, unix:// or {SENTINEL_SCHEME}")
    server_url = SentinelAddress.parse(url).primary_url if url.startswith(SENTINEL_SCHEME) else url
    try:
        pool = ConnectionPool.from_url(server_url)
        is_readable = url.startswith("unix://") or bool(re.fullmatch(r"/?\d*", urlsplit(server_url).path))
    except (ValueError, TypeError):
        is_readable = False
    if not is_readable:
        raise ValueError(
            "the address cannot be read: after the host come a port, a slash with the number of the database and "
            f"options that redis-py knows; {_ENCODE}"
        )
    if fault := pool_fault(pool):
        raise ValueError(f"the address has {fault}")
    return url


def _database(value: Any) -> Mapping[str, Any]:
    url = text(value)
    try:
        with warnings.catch_warnings(action="error"):
            config: Mapping[str, Any] = environ.Env.db_url_config(url)
    except (ValueError, UserWarning):
        raise ValueError(f"the address is none of a database that Django knows; {_ENCODE}") from None
    if "." not in config.get("ENGINE", ""):  # a scheme that stands for no backend stays as it is
        raise ValueError("the address names no database that Django knows")
    return config


SITE_SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting(
            201, "SECRET_KEY", "", str,
            "signs the admin's sessions; the web server does not start without one, except in development",
            "a-long-random-text", is_secret=True,
        ),
        Setting(202, "DEBUG", "false", _boolean, "development mode: a key of its own, tracebacks", "false"),
        Setting(
            203, "ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", _allowed_hosts,
            "host names under which the site is reached, without scheme and port; `.example.org` for all below it",
            "prices.example.org",
        ),
        Setting(
            204, "CSRF_TRUSTED_ORIGINS", "", _origins,
            "origins that may post to the admin, where a proxy changes the host", "https://prices.example.org",
        ),
        Setting(
            205, "DATABASE_URL", "sqlite:///db.sqlite3", _database,
            "only for the admin's users", "sqlite:////var/lib/nexusmeme/db.sqlite3", is_secret=True,
        ),
        Setting(
            206, "REDIS_URL", "redis://127.0.0.1:6379/0", _redis_url,
            "the Redis server, with a database number that nothing else uses; `rediss://` for TLS; "
            "`?socket_timeout=2` for one that is far away; "
            "`redis+sentinel://host:26379,host:26379/service/0` for the primary that sentinels name",
            "redis://127.0.0.1:6379/0", is_secret=True,
        ),
        Setting(
            207, "HTTPS_ONLY", "false", _boolean,
            "the site is served over TLS alone: redirect, HSTS and secure cookies", "true",
        ),
        Setting(208, "LOG_LEVEL", "INFO", _log_level, "DEBUG, INFO, WARNING or ERROR", "INFO"),
        Setting(
            209, "LOG_FORMAT", "keyvalue", _log_format, "one line per event, as `keyvalue` or as `json`", "json"
        ),
    )
}  # fmt: skip


def read_environment(base_dir: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the site's settings by name, and the source of each variable that the file decides about.

    End the process with one line per value that cannot be read.
    """
    sources = load_env_file(base_dir)
    effective: dict[str, Any] = {}
    problems: list[str] = []
    for name, setting in SITE_SETTINGS.items():
        given = os.environ.get(name, "")
        try:
            effective[name] = setting.parse(given if given.strip() else setting.default)
        except ValueError as error:
            problems.append(str(setting.problem(str(error), given)))
    if problems:
        stop(*problems)
    return effective, sources


def secret_values() -> tuple[str, ...]:
    """Return what is set for every setting that is or may hold a secret; call it after `read_environment`."""
    declared = (*SITE_SETTINGS.values(), *SETTINGS.values())
    return tuple(os.environ.get(setting.name, "") for setting in declared if setting.is_secret)
