"""Standard streams of a command."""

import os
import sys
from contextlib import suppress
from pathlib import Path


def let_go_of_unwritable_streams() -> None:
    """Replace standard streams that cannot be flushed, or Python would end a process that did well with 120."""
    for name in ("stdout", "stderr"):
        try:
            stream = getattr(sys, name)
            if stream is not None:  # closed by the caller, as with `>&-`
                stream.flush()
        except OSError:
            with suppress(OSError):
                setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - open until the end
