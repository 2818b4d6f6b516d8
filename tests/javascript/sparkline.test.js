import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { sparkline } from "../../market_data/static/market_data/sparkline.js"

const END_MS = 1_700_000_000_000
const INTERVAL_MS = 15_000

/** Draw points, given as `[ms before the end, price]`. */
const draw = (points) => sparkline(points.map(([ageMs, price]) => [END_MS - ageMs, price]), END_MS, INTERVAL_MS)

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
