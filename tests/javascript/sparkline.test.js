import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { sparkline } from "../../market_data/static/market_data/sparkline.js"

const END_MS = 1_700_000_000_000
const INTERVAL_MS = 15_000

/** Draw points, given as `[ms before the end, price, exchange]`. */
const draw = (points) => sparkline(points.map(([ageMs, ...rest]) => [END_MS - ageMs, ...rest]), END_MS, INTERVAL_MS)

test("time runs along the line, and what is older than an hour is left out", () => {
  assert.equal(draw([[4_000_000, 1], [3_600_000, 100], [3_590_000, 200]]).line, "M0 29L0.3 3")
})

test("a point alone is a dot", () => {
  assert.equal(draw([[1_800_000, 100]]).line, "M60 16h0")
})

test("a point after a gap is a dot beside the line, with no area below it", () => {
  const { line, area } = draw([[1_800_000, 100], [1_790_000, 101], [900_000, 102]])
  assert.match(line, /^M[\d. L]+M90 3h0$/)
  assert.equal(area.split("Z").length - 1, 1)
})

describe("points further apart than two and a half intervals are not joined", () => {
  for (const [distanceMs, strokes] of [[37_500, 1], [37_501, 2]]) {
    test(`${distanceMs} ms`, () => {
      assert.equal(draw([[100_000, 1], [100_000 - distanceMs, 2]]).line.split("M").length - 1, strokes)
    })
  }
})

test("a price that hardly moves is not made to look wild", () => {
  const [, first, , last] = draw([[30_000, 100_000], [15_000, 100_001]]).line.match(/[\d.]+/g).map(Number)
  assert.ok(first > last && first - last < 0.3, `from ${first} to ${last}`)
})

test("points of two exchanges are never joined", () => {
  const { line } = draw([[60_000, 1, "kraken"], [45_000, 2, "kraken"], [30_000, 3, "bitstamp"], [15_000, 4, "kraken"]])
  assert.equal(line.split("M").length - 1, 3)
})

test("points of a version that knew one exchange are joined with each other, and with none that names one", () => {
  const { line } = draw([[60_000, 1], [45_000, 2, null], [30_000, 3, "binance"], [15_000, 4, "binance"]])
  assert.equal(line.split("M").length - 1, 2)
})

test("the trend compares prices of one exchange", () => {
  assert.equal(draw([[60_000, 5, "kraken"], [45_000, 9, "bitstamp"], [30_000, 4, "kraken"]]).trend, "down")
  assert.equal(draw([[60_000, 5, "kraken"], [45_000, 9, "bitstamp"]]).trend, "none")
})

describe("the trend is that from the first point to the last", () => {
  for (const [prices, trend] of [
    [[1, 2], "up"],
    [[2, 1], "down"],
    [[2, 3, 2], "flat"],
    [[2], "none"],
    [[], "none"],
  ]) {
    test(`${prices.join(", ") || "no price"}: ${trend}`, () => {
      assert.equal(draw(prices.map((price, index) => [60_000 - INTERVAL_MS * index, price])).trend, trend)
    })
  }
})
