"""What is wrong with the settings, and what to write instead. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error stops every process before it starts; a warning is only told."""

    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Problem:
    """`settings` are the variables that it is about, the one to change first. Nothing in it repeats a password."""

    number: int
    severity: Severity
    settings: tuple[str, ...]
    message: str
    hint: str

    @property
    def id(self) -> str:
        return check_id(self.severity, self.number)

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


@dataclass(frozen=True)
class Rule:
    """What can be wrong with settings whose values can be read; `reason` says what is broken and why it matters."""

    number: int
    severity: Severity
    settings: tuple[str, ...]
    reason: str

    @property
    def id(self) -> str:
        return check_id(self.severity, self.number)

    def broken(self, found: str, hint: str) -> Problem:
        return Problem(self.number, self.severity, self.settings, f"{found}: {self.reason}.", hint)


def check_id(severity: Severity, number: int) -> str:
    """Return the id under which Django's checks know a problem, and `SILENCED_SYSTEM_CHECKS` silences a warning."""
    return f"market_data.{severity.value[0].upper()}{number:03}"
