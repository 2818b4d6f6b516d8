"""The web server's own lines, of workers that start and end, in the form of all others: see `deploy/web-server`."""

import json
import logging
import os
from pathlib import Path

from market_data.logs.facts import key_values
from nexusmeme.env_file import read_env_file
from nexusmeme.line_fields import line_fields

BASE_DIR = Path(__file__).resolve().parent.parent


class ServerLineFormatter(logging.Formatter):
    """`LOG_FORMAT` decides; a value that is neither of the two stops the workers, which say so."""

    def __init__(self) -> None:
        super().__init__()
        # Without putting the file into the environment, for the workers inherit that and could not tell the two apart
        given = {**read_env_file(BASE_DIR), **os.environ}.get("LOG_FORMAT", "")
        self._is_json = given.strip().lower() == "json"

    def format(self, record: logging.LogRecord) -> str:
        fields = line_fields(record)
        return json.dumps(fields) if self._is_json else key_values(fields)
