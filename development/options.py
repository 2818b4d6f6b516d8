"""What a developer may ask of `make run`: the exchange, the port, a recording."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from development.recording import Recording, RecordingError, find_recording

DEFAULT_PORT = 8000


class OptionError(Exception):
    """A variable holds what it cannot; the message says what to write instead."""


class Exchange(StrEnum):
    AUTO = "auto"
    LIVE = "live"
    SIMULATOR = "simulator"


@dataclass(frozen=True)
class Options:
    exchange: Exchange
    port: int
    recording: Recording | None


def read_options(environment: Mapping[str, str]) -> Options:
    """Return the options in EXCHANGE, PORT and RECORDING, or raise `OptionError`.

    A recording is served by the simulator, so asking for one asks for the simulator.
    """
    exchange = _exchange(environment.get("EXCHANGE", ""))
    recording = _recording(environment.get("RECORDING", ""))
    if recording and exchange is Exchange.LIVE:
        raise OptionError("EXCHANGE=live and RECORDING exclude each other. Leave one of them out.")
    return Options(
        exchange=Exchange.SIMULATOR if recording else exchange,
        port=_port(environment.get("PORT", "")),
        recording=recording,
    )


def _exchange(text: str) -> Exchange:
    try:
        return Exchange(text.strip().lower() or Exchange.AUTO)
    except ValueError:
        choices = ", ".join(Exchange)
        raise OptionError(f"EXCHANGE={text} is none of {choices}. Write for example EXCHANGE=simulator") from None


def _port(text: str) -> int:
    if not text.strip():
        return DEFAULT_PORT
    if text.strip().isascii() and text.strip().isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise OptionError(f"PORT={text} is not a port between 1 and 65535. Write for example PORT=8001")


def _recording(text: str) -> Recording | None:
    if not text.strip():
        return None
    try:
        return find_recording(Path(text.strip()).expanduser())
    except RecordingError as error:
        raise OptionError(str(error)) from None
