"""The site's own settings: declared like the app's, read from the environment and `.env`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import environ

from market_data.conf import Setting
from market_data.setting_values import text, text_list

_TRUE, _FALSE = ("true", "on", "yes", "1"), ("false", "off", "no", "0")


def _boolean(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(f"{value!r} is neither true nor false")
    return word in _TRUE


def _redis_url(value: Any) -> str:
    url = text(value)
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("the address does not begin with redis://, rediss:// or unix://")
    return url


def _database(value: Any) -> Mapping[str, Any]:
    config: Mapping[str, Any] = environ.Env.db_url_config(text(value))
    if not config.get("ENGINE"):
        raise ValueError("the address names no database that Django knows")
    return config


SITE_SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting(
            201, "SECRET_KEY", "", str,
            "signs the admin's sessions; the web server does not start without one, except in development",
            "a-long-random-text",
        ),
        Setting(202, "DEBUG", "false", _boolean, "development mode: a key of its own, tracebacks", "false"),
        Setting(
            203, "ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", text_list,
            "host names under which the site is reached", "prices.example.org",
        ),
        Setting(
            204, "CSRF_TRUSTED_ORIGINS", "", text_list,
            "origins that may post to the admin, where a proxy changes the host", "https://prices.example.org",
        ),
        Setting(
            205, "DATABASE_URL", "sqlite:///db.sqlite3", _database,
            "only for the admin's users", "sqlite:////var/lib/nexusmeme/db.sqlite3",
        ),
        Setting(
            206, "REDIS_URL", "redis://127.0.0.1:6379/0", _redis_url,
            "the Redis server; `rediss://` for TLS; `?socket_timeout=2` for one that is far away",
            "redis://127.0.0.1:6379/0",
        ),
        Setting(
            207, "HTTPS_ONLY", "false", _boolean,
            "the site is served over TLS alone: redirect, HSTS and secure cookies", "true",
        ),
        Setting(208, "LOG_LEVEL", "INFO", text, "DEBUG, INFO, WARNING or ERROR", "INFO"),
    )
}  # fmt: skip


def read_environment(base_dir: Path) -> dict[str, Any]:
    """Return the site's settings by name; end the process with one line per unreadable value.

    What stands in the environment wins over `.env`; `ENV_FILE` names another file.
    """
    env = environ.Env()
    env.read_env(env.str("ENV_FILE", default=str(base_dir / ".env")), overwrite=False)
    effective: dict[str, Any] = {}
    problems: list[str] = []
    for name, setting in SITE_SETTINGS.items():
        given = env.str(name, default="")
        try:
            effective[name] = setting.parse(given if given.strip() else setting.default)
        except ValueError as error:
            problems.append(str(setting.problem(str(error))))
    if problems:
        sys.exit("\n".join(problems))
    return effective
