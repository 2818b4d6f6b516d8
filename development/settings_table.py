"""`python -m development.settings_table` writes `docs/settings.md` and `.env.example` from the declared settings.

A test holds the two files to what this program writes.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from market_data.checks import CACHE_RULES
from market_data.conf.declarations import SETTINGS, Setting
from market_data.conf.rules import CONTRADICTIONS
from nexusmeme.environment import SITE_SETTINGS

BASE_DIR = Path(__file__).resolve().parent.parent
_FIXED_BY_THE_SITE = ("MARKET_DATA_CACHE_ALIAS",)
"""What `nexusmeme/settings.py` sets itself, so that a line in `.env` would change nothing."""
_GROUPS: tuple[tuple[str, Iterable[Setting]], ...] = (
    ("Market data", [setting for setting in SETTINGS.values() if setting.name not in _FIXED_BY_THE_SITE]),
    ("The site", SITE_SETTINGS.values()),
)
_ENV_HEAD = """\
# Every setting with its default. Copy this file to .env and take the # off the lines that you change.
# What stands in the environment wins over .env; ENV_FILE names another file than .env.
"""
_DOCUMENT_HEAD = """\
<!-- Written by `python -m development.settings_table` from the declarations; change those, not this page. -->
# Settings

Each setting is an environment variable. What the environment does not have is read from the file `.env` in the
project's folder, or from the file that `ENV_FILE` names; what neither has is the default, and so is an empty value.
In a Django project of your own, a name in Django's settings wins over the environment, and may be a Python list or
dictionary; the settings of the site below are this site's alone. The site itself fixes `MARKET_DATA_CACHE_ALIAS`.

In the file a line is `NAME=value`; `export` before the name, blanks around `=`, single or double quotes, and a comment
after ` #` may stand as in a shell. The file is UTF-8, with or without a byte order mark. Values are literal: `$` refers
to nothing. A line that cannot be read stops the process and is named by file and number. A file that `ENV_FILE` names
and that cannot be opened stops it, too; `.env` itself may be absent.

A value that cannot work stops every process before it starts, with a line that says what to write instead.
`manage.py check` shows them all, warnings included, and `SILENCED_SYSTEM_CHECKS` silences a warning by its id.
`manage.py market_status` and the admin's page show the value in use and where it comes from.
"""
_OTHER_VARIABLES = """\
## Variables that others read

They may stand in the file, too.

| Variable | Who reads it |
| --- | --- |
| `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` | the fetcher: the proxy on the way to an exchange, and hosts without it |
| `REQUESTS_CA_BUNDLE` | the fetcher: the file with the authorities' certificates, where a proxy has its own |
"""
_RULES_HEAD = """\
## Values that do not go together

Errors (E) stop every process before it starts, warnings (W) are only told.
"""


def settings_document() -> str:
    """Return the page about all settings, in Markdown."""
    app = ((*_row(setting), _code(setting.check_id)) for setting in SETTINGS.values())
    site = map(_row, SITE_SETTINGS.values())
    rules = (
        (_code(rule.id), ", ".join(map(_code, rule.settings)), rule.reason) for rule in (*CONTRADICTIONS, *CACHE_RULES)
    )
    return "\n".join(
        (
            _DOCUMENT_HEAD,
            "## Market data\n",
            _table(("Variable", "Default", "Meaning and limits", "For example", "Check"), app),
            "## The site\n",
            _table(("Variable", "Default", "Meaning and limits", "For example"), site),
            _RULES_HEAD,
            _table(("Check", "Settings", "What is wrong"), rules),
            _OTHER_VARIABLES,
        )
    )


def env_example() -> str:
    """Return a file that changes nothing until the `#` before an assignment is taken off."""
    groups = (f"\n# {title}\n\n" + "\n".join(map(_assignment, settings)) for title, settings in _GROUPS)
    return _ENV_HEAD + "".join(groups)


def _row(setting: Setting) -> tuple[str, ...]:
    default = _code(setting.default) if setting.default else "none"
    return (
        _code(setting.name),
        f"{default} {setting.unit}".rstrip(),
        setting.meaning,
        _code(setting.example),
    )


def _code(text: str) -> str:
    return f"`{text}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(map(_table_line, (head, ("---",) * len(head), *rows)))


def _table_line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _assignment(setting: Setting) -> str:
    unit = f" [{setting.unit}]" if setting.unit else ""
    return f"# {setting.meaning}{unit}\n#{setting.name}={setting.default}\n"


FILES: Mapping[Path, Callable[[], str]] = {
    BASE_DIR / "docs" / "settings.md": settings_document,
    BASE_DIR / ".env.example": env_example,
}


def main() -> int:
    for path, content in FILES.items():
        path.write_text(content(), encoding="utf-8")
        print(f"wrote {path.relative_to(BASE_DIR)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
