"""What a person sees: log lines under the name of who wrote them, and announcements in a frame."""

import os
from collections.abc import Mapping
from typing import TextIO

_NAME_COLOURS = {"simulator": 33, "fetcher": 36, "web": 32, "nexusmeme": 35}  # of ANSI terminals
_FRAME_COLOUR = {False: "1;32", True: "1;30;43"}  # bold green; where attention is due, black on yellow


class Terminal:
    """Writes to `stream`, in colour where that is a terminal and NO_COLOR is not set."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str] = os.environ) -> None:
        self._stream = stream
        self._has_colour = stream.isatty() and not environment.get("NO_COLOR")
        self.is_gone = False
        """True once nobody can read what is written, for example after the window was closed."""

    def log(self, name: str, line: str) -> None:
        self._write(f"{self._coloured(f'{name:<9} |', str(_NAME_COLOURS.get(name, 37)))} {line}\n")

    def say(self, line: str) -> None:
        """Write a line of our own."""
        self.log("nexusmeme", line)

    def announce(self, *lines: str, needs_attention: bool = False) -> None:
        """Write the lines in a frame that cannot be overlooked among logs."""
        width = max(map(len, lines))
        rule = "=" * (width + 4)
        framed = [rule, *(f"| {line:<{width}} |" for line in lines), rule]
        colour = _FRAME_COLOUR[needs_attention]
        self._write("\n" + "".join(self._coloured(line, colour) + "\n" for line in framed) + "\n")

    def _coloured(self, text: str, colour: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._has_colour else text

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # a closed pipe or a terminal that hung up
            self.is_gone = True
