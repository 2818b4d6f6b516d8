/**
 * How figures are written: the digits of `ticker/number_format.py`, proven by one table of cases, with the
 * separators and numerals of the viewer's locale.
 *
 * Figures come as decimal text, because a JavaScript number would lose the exchange's digits. Pure.
 */

export const MISSING = "–"

const MINUS = "−"
const MIN_SIGNIFICANT_DIGITS = 5
const MIN_DECIMALS = 2
const MAX_DECIMALS = 20
const ROUNDED_TO_ONE_THOUSAND = 999.995 // with two decimals
const NUMBER = /^-?(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/

const AGE_UNITS = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
]

const STYLES = {
  plain: { signDisplay: "negative" },
  change: { signDisplay: "exceptZero", style: "unit", unit: "percent" },
  compact: { signDisplay: "negative", notation: "compact", useGrouping: true },
}

const formats = new Map()

/** Return text like `43,250.00` or `0.00001234`: five significant digits or more, none that was not sent. */
export function formatPrice(text, locale) {
  const match = NUMBER.exec(text ?? "")
  return match ? write("plain", priceDecimals(match), text, locale) : MISSING
}

/** Return a per cent figure like `+2.50%` or `−0.79%`; zero has no sign. */
export function formatChange(text, locale) {
  return NUMBER.test(text ?? "") ? write("change", 2, text, locale) : MISSING
}

/** Return `up`, `down`, `flat` for what is shown as zero, or `none` where there is no figure. */
export function changeDirection(text) {
  if (!NUMBER.test(text ?? "")) return "none"
  const sign = write("change", 2, text, "en")[0]
  return { "+": "up", [MINUS]: "down" }[sign] ?? "flat"
}

/** Return an amount like `28.50K` or `1.08B`; below a thousand it is written as a price is. */
export function formatCompact(text, locale) {
  if (!NUMBER.test(text ?? "")) return MISSING
  const isSmall = Math.abs(Number(text)) < ROUNDED_TO_ONE_THOUSAND
  return isSmall ? formatPrice(text, locale) : write("compact", 2, text, locale)
}

/** Return an age like `4 s ago`, in the largest unit that it fills. */
export function formatAge(ageMs, locale) {
  const seconds = Math.max(0, Math.floor(ageMs / 1000))
  const [size, unit] = AGE_UNITS.find(([size]) => seconds >= size) ?? AGE_UNITS.at(-1)
  return `${write("plain", 0, Math.floor(seconds / size), locale)} ${unit} ago`
}

/** Return where `price` lies between `low` and `high`, 0 to 100, or null where that says nothing. */
export function rangePosition(price, low, high) {
  const span = Number(high) - Number(low)
  if (!(span > 0) || !(Number(price) > 0)) return null
  return Math.min(100, Math.max(0, Math.round(((Number(price) - Number(low)) / span) * 100)))
}

function priceDecimals([, whole, fraction = "", exponent = "0"]) {
  const shift = Number(exponent)
  const digits = (whole + fraction).replace(/^0+/, "")
  const scale = Math.max(0, fraction.length - shift)
  const integerDigits = digits ? digits.length - fraction.length + shift : 1 // for 0.00123 it is −2
  const wanted = Math.max(MIN_DECIMALS, MIN_SIGNIFICANT_DIGITS - integerDigits)
  return Math.max(MIN_DECIMALS, Math.min(wanted, scale, MAX_DECIMALS))
}

/** A formatter is slow to make and quick to use; it takes decimal text without rounding it to a binary number. */
function write(style, decimals, number, locale) {
  const key = `${style} ${decimals} ${locale}`
  let format = formats.get(key)
  if (!format) {
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals }
    formats.set(key, (format = new Intl.NumberFormat(locale, { ...STYLES[style], ...digits })))
  }
  return format.format(number).replace("-", MINUS)
}
