"""The README's settings table and the text of `.env.example`, from the declarations of the settings.

`python -m development.settings_table` prints both, with `table` or `env` one of them.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping

from market_data.conf.declarations import SETTINGS, Setting
from nexusmeme.environment import SITE_SETTINGS

_TABLE_HEAD = ("Variable", "Default", "Meaning")
_GROUPS: tuple[tuple[str, Iterable[Setting]], ...] = (
    ("Market data", SETTINGS.values()),
    ("The site", SITE_SETTINGS.values()),
)
_ENV_HEAD = """\
# Every setting with its default. Copy this file to .env and take the # off the lines that you change.
# What stands in the environment wins over .env; ENV_FILE names another file than .env.
"""


def settings_table() -> str:
    """Return the table in Markdown, the app's settings before the site's."""
    rows = [_row(setting) for _, settings in _GROUPS for setting in settings]
    return "\n".join(_table_line(cells) for cells in (_TABLE_HEAD, ("---",) * len(_TABLE_HEAD), *rows)) + "\n"


def env_example() -> str:
    """Return a file that changes nothing until the `#` before an assignment is taken off."""
    groups = (f"\n# {title}\n\n" + "\n".join(map(_assignment, settings)) for title, settings in _GROUPS)
    return _ENV_HEAD + "".join(groups)


def _row(setting: Setting) -> tuple[str, ...]:
    default = f"`{setting.default}`" if setting.default else "none"
    unit = f" {setting.unit}" if setting.unit else ""
    return (f"`{setting.name}`", default + unit, setting.description.replace("|", r"\|"))


def _table_line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _assignment(setting: Setting) -> str:
    unit = f" [{setting.unit}]" if setting.unit else ""
    return f"# {setting.description}{unit}\n#{setting.name}={setting.default}\n"


def main() -> int:
    texts: Mapping[str, Callable[[], str]] = {"table": settings_table, "env": env_example}
    parser = argparse.ArgumentParser(prog="python -m development.settings_table", description=__doc__)
    parser.add_argument("text", nargs="?", choices=texts, help="which of the two; both where left out")
    wanted = parser.parse_args().text
    print("\n".join(render() for name, render in texts.items() if wanted in (None, name)), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
