"""Reading the query string as strictly as the exchange does."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from exchange_simulator.binance.errors import ErrorCode, refused
from exchange_simulator.binance.rows import KEYS_BY_TYPE

SYMBOL_STATUSES = ("TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY")
TICKER_STATUSES = ("TRADING", "HALT", "BREAK")
NAME_RANGE = r"^[\w\-._&&[^a-z]]{1,50}$"
LIST_RANGE = r'^\[("[\w\-._&&[^a-z]]{1,50}"(,"[\w\-._&&[^a-z]]{1,50}"){0,}){0,1}\]$'

NUMBER_RANGE = "^[0-9]{1,20}$"

_NAME = re.compile(r"[\w\-.]{1,50}")
_LIST = re.compile(r'\["[\w\-.]{1,50}"(?:,"[\w\-.]{1,50}")*\]')
_WORD_LIST = re.compile(r'\["\w+"(?:,"\w+")*\]')


@dataclass(frozen=True)
class SymbolSelection:
    """Which symbols are asked for: one (answered with an object), a list, or all (None)."""

    symbols: tuple[str, ...] | None
    is_single: bool = False


class Parameters:
    """The parameters of one request. Each is read by name; `refuse_unread` finds those that nobody read."""

    def __init__(self, query: str) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            self._values.setdefault(name, []).append(value)
        self._read: set[str] = set()

    def get(self, name: str) -> str | None:
        self._read.add(name)
        values = self._values.get(name)
        if values is None:
            return None
        if len(values) > 1:
            if name == "symbols":
                raise refused(ErrorCode.ILLEGAL_CHARACTERS, name=name, range=LIST_RANGE)
            raise refused(ErrorCode.TOO_MANY_PARAMETERS, name=name)
        if values[0] == "":
            raise refused(ErrorCode.EMPTY_PARAMETER, name=name)
        return values[0]

    def refuse_unread(self) -> None:
        unread = self._values.keys() - self._read
        if unread:
            read, sent = len(self._values) - len(unread), len(self._values)
            raise refused(ErrorCode.UNREAD_PARAMETERS, read=read, sent=sent)

    def selection(self) -> SymbolSelection:
        symbol, symbols = self.get("symbol"), self.get("symbols")
        if symbol is not None and symbols is not None:
            raise refused(ErrorCode.BAD_COMBINATION)
        if symbol is not None:
            if not is_symbol_name(symbol):
                raise refused(ErrorCode.ILLEGAL_CHARACTERS, name="symbol", range=NAME_RANGE)
            return SymbolSelection((symbol,), is_single=True)
        if symbols is None:
            return SymbolSelection(None)
        return SymbolSelection(_names(symbols))

    def ticker_type(self) -> str:
        value = self.get("type") or "FULL"
        if value not in KEYS_BY_TYPE:
            raise refused(ErrorCode.INVALID_TICKER_TYPE)
        return value

    def status(self, allowed: Sequence[str]) -> str | None:
        value = self.get("symbolStatus")
        if value is not None and value not in allowed:
            raise refused(ErrorCode.INVALID_STATUS)
        return value

    def whole_number(self, name: str) -> int | None:
        value = self.get(name)
        if value is not None and not (value.isascii() and value.isdigit()):
            raise refused(ErrorCode.ILLEGAL_CHARACTERS, name=name, range=NUMBER_RANGE)
        return None if value is None else int(value)

    def words(self, name: str) -> tuple[str, ...]:
        """Return a parameter that is either one word or a JSON list of words."""
        value = self.get(name)
        if value is None:
            return ()
        if _WORD_LIST.fullmatch(value):
            return tuple(value[2:-2].split('","'))
        if not re.fullmatch(r"\w+", value):
            raise refused(ErrorCode.ILLEGAL_CHARACTERS, name=name, range=r"^[A-Z0-9_]*$")
        return (value,)

    def flag(self, name: str, default: bool) -> bool:
        value = self.get(name)
        flags: Mapping[str | None, bool] = {None: default, "true": True, "false": False}
        if value not in flags:
            raise refused(ErrorCode.ILLEGAL_CHARACTERS, name=name, range="^(true|false)$")
        return flags[value]


def _names(symbols: str) -> tuple[str, ...]:
    if symbols == "[]":
        raise refused(ErrorCode.MISSING_PARAMETER, name="symbols")
    if not _LIST.fullmatch(symbols) or has_lower_case(symbols):
        raise refused(ErrorCode.ILLEGAL_CHARACTERS, name="symbols", range=LIST_RANGE)
    return tuple(symbols[2:-2].split('","'))


def is_symbol_name(text: str) -> bool:
    """Tell whether the exchange takes this for the name of a symbol, known or not."""
    return _NAME.fullmatch(text) is not None and not has_lower_case(text)


def has_lower_case(text: str) -> bool:
    return any(character.islower() for character in text)


def asked_symbols(query: str) -> tuple[str, ...] | None:
    """Return the names that a query asks for, however malformed; None where it asks for all."""
    names: list[str] = []
    is_asked = False
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in ("symbol", "symbols"):
            is_asked = True
            names += [part.strip(' "[]') for part in value.split(",")]
    return tuple(name for name in names if name) if is_asked else None
