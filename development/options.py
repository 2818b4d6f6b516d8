"""What a developer may ask of `make run`: the exchange, the port, a recording."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

DEFAULT_PORT = 8000


class OptionError(Exception):
    """A variable holds what it cannot; the message says what to write instead."""


class Exchange(StrEnum):
    AUTO = "auto"
    LIVE = "live"
    SIMULATOR = "simulator"


@dataclass(frozen=True)
class Recording:
    """Recorded answers of the exchange, as files."""

    tickers: Path
    exchange_info: Path


@dataclass(frozen=True)
class Options:
    exchange: Exchange
    port: int
    recording: Recording | None


def read_options(environment: Mapping[str, str]) -> Options:
    """Return the options in EXCHANGE, PORT and RECORDING, or raise `OptionError`.

    A recording is served by the simulator, so asking for one asks for the simulator.
    """
    exchange, port, folder = (environment.get(name, "").strip() for name in ("EXCHANGE", "PORT", "RECORDING"))
    options = Options(_exchange(exchange), _port(port), _recording(Path(folder).expanduser()) if folder else None)
    if options.recording is None:
        return options
    if options.exchange is Exchange.LIVE:
        raise OptionError("EXCHANGE=live and RECORDING exclude each other. Leave one of them out.")
    return Options(Exchange.SIMULATOR, options.port, options.recording)


def _exchange(text: str) -> Exchange:
    try:
        return Exchange(text.lower() or Exchange.AUTO)
    except ValueError:
        choices = ", ".join(Exchange)
        raise OptionError(f"EXCHANGE={text} is none of {choices}. Write for example EXCHANGE=simulator") from None


def _port(text: str) -> int:
    if not text:
        return DEFAULT_PORT
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise OptionError(f"PORT={text} is not a port between 1 and 65535. Write for example PORT=8001")


def _recording(folder: Path) -> Recording:
    if not folder.is_dir():
        raise OptionError(f"RECORDING={folder} is not a folder. Write the folder that holds the recorded files.")
    return Recording(_only_file(folder, "*ticker24hr*.json"), _only_file(folder, "*exchangeInfo*.json"))


def _only_file(folder: Path, pattern: str) -> Path:
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise OptionError(f"RECORDING={folder} holds no file {pattern}. A recording is one of those and its pair.")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise OptionError(
            f"RECORDING={folder} holds more than one file {pattern} ({names}). "
            "Put one recording into a folder of its own."
        )
    return found[0].resolve()
