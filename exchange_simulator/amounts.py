"""Decimal amounts as whole numbers of 10^-12, the finest digit that any of the exchanges writes."""

from decimal import Decimal, InvalidOperation

FINEST_DECIMALS = 12
UNITS_PER_ONE: int = 10**FINEST_DECIMALS


def parse_amount(text: str) -> int:
    """Return the units in a decimal text; raise ValueError for anything that is no finite number."""
    try:
        return int(Decimal(text).scaleb(FINEST_DECIMALS).to_integral_exact())
    except (InvalidOperation, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"{text!r} is not a decimal number") from error


def to_units(amount: float) -> int:
    return round(amount * UNITS_PER_ONE)


def unit_of(decimals: int) -> int:
    """Return the units in the last of so many decimals."""
    unit: int = 10 ** (FINEST_DECIMALS - decimals)
    return unit


def written_decimals(text: str) -> int:
    return len(text.partition(".")[2])


def format_amount(units: int, decimals: int = 8) -> str:
    """Write an amount with a fixed number of decimals (at most twelve), digits beyond them cut off."""
    return _format(units // unit_of(decimals), decimals)


def format_percent(change_units: int, open_units: int, decimals: int) -> str:
    """Write a change as per cent of the opening price, rounded; zero where there is no opening price."""
    if open_units == 0:
        return _format(0, decimals)
    return _format((200 * 10**decimals * change_units + open_units) // (2 * open_units), decimals)


def _format(scaled: int, decimals: int) -> str:
    if decimals == 0:
        return str(scaled)
    sign, digits = ("-" if scaled < 0 else ""), str(abs(scaled)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"
