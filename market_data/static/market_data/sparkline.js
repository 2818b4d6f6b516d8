/** The line of a pair's last hour, as the data of SVG paths. Pure. */

export const SPAN_MS = 3_600_000
export const WIDTH = 120
export const HEIGHT = 32
const MARGIN = 3 // keeps the line's own width inside
const GAP_FACTOR = 2.5
const MIN_SPAN = 0.002 // of the price: what moves less does not fill the height

/**
 * Return `{line, area, trend}` of points `[Unix ms, price, exchange]`, oldest first, within the hour that ends at `endMs`.
 *
 * Two points of different exchanges, or further apart than 2.5 times `intervalMs`, are not joined. `trend` is `up`,
 * `down`, `flat`, or `none` where the exchange of the last point has no two.
 */
export function sparkline(points, endMs, intervalMs) {
  const startMs = endMs - SPAN_MS
  const shown = points.filter(([timestamp]) => timestamp >= startMs && timestamp <= endMs)
  if (shown.length === 0) return { line: "", area: "", trend: "none" }
  const prices = shown.map(([, price]) => price)
  const [lowest, highest] = [Math.min(...prices), Math.max(...prices)]
  const span = Math.max(highest - lowest, MIN_SPAN * highest)
  const low = (lowest + highest - span) / 2
  const place = ([timestamp, price]) => [
    round(((timestamp - startMs) / SPAN_MS) * WIDTH),
    round(HEIGHT - MARGIN - ((price - low) / span) * (HEIGHT - 2 * MARGIN)),
  ]
  const strokes = unbroken(shown, GAP_FACTOR * intervalMs).map((stroke) => stroke.map(place))
  return { line: strokes.map(line).join(""), area: strokes.map(area).join(""), trend: trend(shown) }
}

function unbroken(points, longestMs) {
  const strokes = [[points[0]]]
  for (let index = 1; index < points.length; index++) {
    const [before, point] = [points[index - 1], points[index]]
    if (point[0] - before[0] > longestMs || !isOfOneExchange(point, before)) strokes.push([])
    strokes.at(-1).push(point)
  }
  return strokes
}

/** A point alone becomes a dot, by the round ends of a line without length. */
function line(stroke) {
  const [first, ...rest] = stroke.map((place) => place.join(" "))
  return `M${first}${rest.length ? `L${rest.join(" ")}` : "h0"}`
}

function area(stroke) {
  if (stroke.length < 2) return ""
  return `M${stroke[0][0]} ${HEIGHT}L${stroke.map((place) => place.join(" ")).join(" ")} ${stroke.at(-1)[0]} ${HEIGHT}Z`
}

/** An exchange that is not told is that of an earlier version, which knew only one. */
function isOfOneExchange([, , one], [, , other]) {
  return (one ?? null) === (other ?? null)
}

function trend(points) {
  const comparable = points.filter((point) => isOfOneExchange(point, points.at(-1)))
  if (comparable.length < 2) return "none"
  const difference = comparable.at(-1)[1] - comparable[0][1]
  return difference > 0 ? "up" : difference < 0 ? "down" : "flat"
}

function round(number) {
  return Math.round(number * 10) / 10
}
