"""The file that may hold settings beside the environment: `.env` in the project's folder, or what `ENV_FILE` names.

django-environ's own reader takes a line, or a whole file, that it cannot read for none; so it is read here.
"""

import os
import re
import sys
from pathlib import Path
from typing import NoReturn

UNUSABLE_SETTINGS = 2
"""The exit code of a process that cannot read its settings; 1 would tell a script that `market_status` is degraded."""

_LINE = re.compile(
    r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*="
    r"(?:\s*'(?P<literal>[^']*)'|\s*\"(?P<escaped>(?:[^\"\\]|\\.)*)\"|(?P<plain>(?!\s*['\"]).*?))"
    r"(?:\s+#.*)?"
)
_ESCAPED = re.compile(r"\\([\"\\$`])")


def load_env_file(base_dir: Path) -> dict[str, str]:
    """Put the file's variables into the environment, which wins; return where each comes from that the file decides.

    A process that another one started with the variables of the file in its environment cannot tell them from those
    that somebody set to the same value, and says so.
    """
    path, sources = _path(base_dir), {}
    name = ".env" if path == base_dir / ".env" else str(path)
    for variable, value in read_env_file(base_dir).items():
        if variable not in os.environ:
            os.environ[variable] = value
            sources[variable] = name
        elif os.environ[variable] == value:
            sources[variable] = f"environment, the same in {name}"
    return sources


def read_env_file(base_dir: Path) -> dict[str, str]:
    """Return the file's variables, or end the process with what cannot be read. Only an unnamed file may be absent."""
    path = _path(base_dir)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not _is_named() and not path.is_symlink():
            return {}
        stop(f"{path} cannot be read: {error.strerror}. Name a file in ENV_FILE that this user may read, or /dev/null.")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        stop(f"{path} is not UTF-8 text. Save it as UTF-8.")
    return _variables(text, path)


def stop(*problems: str) -> NoReturn:
    """End the process with a line for each problem."""
    sys.stderr.write("\n".join(problems) + "\n")
    sys.exit(UNUSABLE_SETTINGS)


def _is_named() -> bool:
    return bool(os.environ.get("ENV_FILE"))


def _path(base_dir: Path) -> Path:
    return Path(os.environ["ENV_FILE"]) if _is_named() else base_dir / ".env"


def _variables(text: str, path: Path) -> dict[str, str]:
    variables, problems = {}, []
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if found := _LINE.fullmatch(stripped):
            variables[found["name"]] = _value(found)
        else:
            problems.append(
                f"{path}, line {number}: this is not NAME=value, or a quote in front has none at the end "
                "(its text is not repeated here, for it may hold a password). Mend the line, or put a # before it."
            )
    if problems:
        stop(*problems)
    return variables


def _value(found: re.Match[str]) -> str:
    """Return a value as it is written; between double quotes a backslash stands before quote, backslash and `$`."""
    if found["escaped"] is not None:
        return _ESCAPED.sub(r"\1", found["escaped"])
    return str(found["literal"] if found["literal"] is not None else found["plain"].strip())
