"""Lines of a log that consist of named facts: `key=value` for people and grep, fields for a program."""

import logging
import re
from collections.abc import Mapping

_PLAIN = re.compile(r"""[^\s"'=\\]+""")


def log_facts(logger: logging.Logger, level: int, facts: Mapping[str, str]) -> None:
    """Log the facts in their order as the message; a formatter that knows more finds them in `record.facts`."""
    logger.log(level, "%s", key_values(facts), extra={"facts": dict(facts)})


def key_values(facts: Mapping[str, str]) -> str:
    """Return `key=value key="with blanks"`, each value on one line."""
    return " ".join(f"{name}={_quoted(value)}" for name, value in facts.items())


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.isprintable():
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(_one_line(character) for character in escaped) + '"'


def _one_line(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
