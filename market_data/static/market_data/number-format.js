/**
 * How figures are written: the same rules as in `dashboard/presentation.py`, proven by one table of cases.
 *
 * Figures come as decimal text, because a JavaScript number would lose the exchange's digits. Pure.
 */

export const MISSING = "–"

const MINUS = "−"
const MIN_SIGNIFICANT_DIGITS = 5
const MIN_DECIMALS = 2
const NUMBER = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/

const MAGNITUDES = [
  [12, "T"],
  [9, "B"],
  [6, "M"],
  [3, "K"],
]

const AGE_UNITS = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
]

/** Return text like `43,250.00` or `0.00001234`: five significant digits or more, none that was not sent. */
export function formatPrice(text) {
  const number = parseDecimal(text)
  if (!number) return MISSING
  const wanted = Math.max(MIN_DECIMALS, MIN_SIGNIFICANT_DIGITS - integerDigits(number))
  return write(number, Math.max(MIN_DECIMALS, Math.min(wanted, number.scale)))
}

/** Return a per cent figure like `+2.50%` or `−0.79%`; zero has no sign. */
export function formatChange(text) {
  const number = parseDecimal(text)
  if (!number) return MISSING
  return `${changeDirection(text) === "up" ? "+" : ""}${write(number, 2)}%`
}

/** Return `up`, `down`, `flat` for what is shown as zero, or `none` where there is no figure. */
export function changeDirection(text) {
  const number = parseDecimal(text)
  if (!number) return "none"
  if (rounded(number, 2) === 0n) return "flat"
  return number.isNegative ? "down" : "up"
}

/** Return an amount like `28.50K` or `1.08B`; below a thousand it is written as a price is. */
export function formatCompact(text) {
  const number = parseDecimal(text)
  if (!number) return MISSING
  for (const [power, suffix] of MAGNITUDES) {
    const scaled = { ...number, scale: number.scale + power }
    if (rounded(scaled, 2) >= 100n) return write(scaled, 2) + suffix
  }
  return formatPrice(text)
}

/** Return an age like `4 s ago`, in the largest unit that it fills. */
export function formatAge(ageMs) {
  const seconds = Math.max(0, Math.floor(ageMs / 1000))
  const [size, unit] = AGE_UNITS.find(([size]) => seconds >= size) ?? AGE_UNITS.at(-1)
  return `${Math.floor(seconds / size)} ${unit} ago`
}

/** Return where `price` lies between `low` and `high`, 0 to 100, or null where that says nothing. */
export function rangePosition(price, low, high) {
  const span = Number(high) - Number(low)
  if (!(span > 0) || !(Number(price) > 0)) return null
  return Math.min(100, Math.max(0, Math.round(((Number(price) - Number(low)) / span) * 100)))
}

function parseDecimal(text) {
  const match = NUMBER.exec(text ?? "")
  if (!match) return null
  const [, sign, whole, fraction = "", exponent = "0"] = match
  const scale = fraction.length - Number(exponent)
  const digits = BigInt(whole + fraction) * 10n ** BigInt(Math.max(0, -scale))
  return { isNegative: sign === "-", digits, scale: Math.max(0, scale) }
}

/** Digits before the point; for 0.00123 it is −2, the zeros after the point. */
function integerDigits({ digits, scale }) {
  return digits === 0n ? 1 : String(digits).length - scale
}

/** The amount without sign in units of its last decimal, halves rounded up. */
function rounded({ digits, scale }, decimals) {
  if (decimals >= scale) return digits * 10n ** BigInt(decimals - scale)
  const divisor = 10n ** BigInt(scale - decimals)
  return (2n * digits + divisor) / (2n * divisor)
}

function write(number, decimals) {
  const amount = rounded(number, decimals)
  const text = String(amount).padStart(decimals + 1, "0")
  const whole = text.slice(0, -decimals).replace(/\B(?=(\d{3})+$)/g, ",")
  return `${number.isNegative && amount ? MINUS : ""}${whole}.${text.slice(-decimals)}`
}
