"""A folder with recorded answers of the exchange: one 24 h ticker file, one exchange information file."""

from dataclasses import dataclass
from pathlib import Path

_TICKERS_PATTERN = "*ticker24hr*.json"
_EXCHANGE_INFO_PATTERN = "*exchangeInfo*.json"


class RecordingError(Exception):
    """The folder holds no recording that can be told; the message says what is missing or ambiguous."""


@dataclass(frozen=True)
class Recording:
    tickers: Path
    exchange_info: Path


def find_recording(folder: Path) -> Recording:
    """Return the recording in `folder`, or raise `RecordingError`."""
    if not folder.is_dir():
        raise RecordingError(f"RECORDING={folder} is not a folder. Write the folder that holds the recorded files.")
    return Recording(_only_file(folder, _TICKERS_PATTERN), _only_file(folder, _EXCHANGE_INFO_PATTERN))


def _only_file(folder: Path, pattern: str) -> Path:
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise RecordingError(f"RECORDING={folder} holds no file {pattern}. A recording is one of those and its pair.")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise RecordingError(
            f"RECORDING={folder} holds more than one file {pattern} ({names}). "
            "Put one recording into a folder of its own."
        )
    return found[0].resolve()
