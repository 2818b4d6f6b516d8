"""Reading files of recorded answers, whatever exchange they are from."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

_ADDRESS_BEFORE_THE_BODY = re.compile(rb"\S+ -> [\d.]+: ")
Read = TypeVar("Read")


class RecordingError(Exception):
    """A recording that cannot be served; the text names the file and what is wrong in it."""


def read_json(file: Path) -> Any:
    """Read a body, or the first line of a log that has `URL -> time: body` in each."""
    try:
        body = file.read_bytes()
        address = _ADDRESS_BEFORE_THE_BODY.match(body)
        return json.loads(body[address.end() :].partition(b"\n")[0] if address else body)
    except OSError as error:
        raise RecordingError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{file} is no JSON: {error}") from error


def read_row(file: Path, name: str, read: Callable[[], Read], wanted: str) -> Read:
    """Return what `read` makes of a recorded row; `name` is the row's, `wanted` says which rows are."""
    try:
        return read()
    except KeyError as error:
        raise RecordingError(f"{file}: {name} lacks {error}; {wanted}") from None
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        raise RecordingError(f"{file}: {name} is malformed: {error}") from error
