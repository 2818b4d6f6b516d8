"""What is wrong with a setting. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """What is wrong with the configuration and what to write instead."""

    id: str
    message: str
    hint: str

    @property
    def is_error(self) -> bool:
        return ".E" in self.id

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"
