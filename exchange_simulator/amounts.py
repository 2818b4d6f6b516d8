"""Decimal amounts as whole numbers of 10^-8, the finest digit that the exchange writes."""

from decimal import Decimal, InvalidOperation

UNITS_PER_ONE = 10**8
FINEST_DECIMALS = 8


def parse_amount(text: str) -> int:
    """Return the units in a decimal text; raise ValueError for anything that is no finite number."""
    try:
        return int(Decimal(text).scaleb(FINEST_DECIMALS).to_integral_exact())
    except (InvalidOperation, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"{text!r} is not a decimal number") from error


def format_amount(units: int, decimals: int = FINEST_DECIMALS) -> str:
    """Write an amount with a fixed number of decimals (at most eight), digits beyond them cut off."""
    return _format(units // 10 ** (FINEST_DECIMALS - decimals), decimals)


def format_percent(change_units: int, open_units: int) -> str:
    """Write a change as per cent of the opening price, rounded to the three decimals that Binance gives."""
    if open_units == 0:
        return "0.000"
    return _format((change_units * 200_000 + open_units) // (2 * open_units), 3)


def _format(scaled: int, decimals: int) -> str:
    sign, digits = ("-" if scaled < 0 else ""), str(abs(scaled)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"
