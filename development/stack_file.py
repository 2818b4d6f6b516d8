"""Where a running stack writes down its addresses and process ids, for commands that want to find it."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

RUN_FOLDER = Path(__file__).resolve().parent.parent / ".run"


class PortTakenError(Exception):
    """Another stack, or another program, has the port."""


@contextlib.contextmanager
def stack_file(folder: Path, port: int) -> Iterator[TextIO]:
    """Hold `folder/stack-PORT.json`, empty at first, for the length of a `with` block, or raise `PortTakenError`.

    The file is locked (flock) as long as this process lives. So one that a killed stack left behind is told from one
    that means something, and of two starts at the same instant one is refused: both web servers could have the port.
    """
    folder.mkdir(exist_ok=True)
    path = folder / f"stack-{port}.json"
    with path.open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PortTakenError from None
        try:
            file.truncate(0)
            yield file
        finally:
            path.unlink(missing_ok=True)
