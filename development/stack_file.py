"""Where a running stack writes down its addresses and process ids, for commands that want to find it."""

import contextlib
import fcntl
import json
from collections.abc import Iterator, Mapping
from pathlib import Path


@contextlib.contextmanager
def stack_file(folder: Path, port: int, content: Mapping[str, object]) -> Iterator[Path]:
    """Keep `content` as JSON in `folder/stack-PORT.json` for the length of a `with` block.

    The file is locked (flock) as long as this process lives, so that one left behind by a killed stack is told from
    one that means something.
    """
    folder.mkdir(exist_ok=True)
    path = folder / f"stack-{port}.json"
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        json.dump(content, file, indent=1)
        file.flush()
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
