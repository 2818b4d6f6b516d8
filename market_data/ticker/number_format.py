"""How figures are written: the digits of `number-format.js`, proven by one table of cases, in English. Pure."""

from decimal import ROUND_HALF_UP, Context, Decimal

MISSING = "–"

_MINUS = "−"
_MIN_SIGNIFICANT_DIGITS = 5
_MIN_DECIMALS = 2
_MAGNITUDES = ((3, "K"), (6, "M"), (9, "B"), (12, "T"))
_AGE_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_EXACT = Context(prec=100, rounding=ROUND_HALF_UP)


def format_price(price: Decimal | None) -> str:
    """Return text like `43,250.00` or `0.00001234`: five significant digits or more, none that was not sent."""
    if price is None:
        return MISSING
    integer_digits = price.adjusted() + 1 if price else 1
    wanted = max(_MIN_DECIMALS, _MIN_SIGNIFICANT_DIGITS - integer_digits)
    return _write(price, max(_MIN_DECIMALS, min(wanted, _decimals(price))))


def format_change(change_percent: Decimal | None) -> str:
    """Return a per cent figure like `+2.50%` or `−0.79%`; zero has no sign."""
    if change_percent is None:
        return MISSING
    return f"{'+' if change_direction(change_percent) == 'up' else ''}{_write(change_percent, 2)}%"


def change_direction(change_percent: Decimal | None) -> str:
    """Return `up`, `down`, `flat` for what is shown as zero, or `none` where there is no figure."""
    if change_percent is None:
        return "none"
    shown = _rounded(change_percent, 2)
    if not shown:
        return "flat"
    return "up" if shown > 0 else "down"


def format_compact(amount: Decimal | None) -> str:
    """Return an amount like `28.50K` or `1.08B`; below a thousand it is written as a price is."""
    if amount is None:
        return MISSING
    if abs(_rounded(amount, 2)) < 1000:
        return format_price(amount)
    scaled = [(amount.scaleb(-power, _EXACT), suffix) for power, suffix in _MAGNITUDES]
    shown, suffix = next((unit for unit in scaled if abs(_rounded(unit[0], 2)) < 1000), scaled[-1])
    return _write(shown, 2) + suffix


def format_age(age_ms: int) -> str:
    """Return an age like `4 s ago`, in the largest unit that it fills."""
    seconds = max(0, age_ms // 1000)
    size, unit = next((unit for unit in _AGE_UNITS if seconds >= unit[0]), _AGE_UNITS[-1])
    return f"{seconds // size} {unit} ago"


def range_position(price: Decimal, low: Decimal, high: Decimal) -> int | None:
    """Return where `price` lies between `low` and `high`, 0 to 100, or None where that says nothing."""
    span = float(high) - float(low)
    if span <= 0 or price <= 0:
        return None
    return min(100, max(0, int((float(price) - float(low)) / span * 100 + 0.5)))


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _rounded(number: Decimal, decimals: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-decimals), context=_EXACT)


def _write(number: Decimal, decimals: int) -> str:
    shown = _rounded(number, decimals)
    return f"{_MINUS if shown < 0 else ''}{abs(shown):,.{decimals}f}"
