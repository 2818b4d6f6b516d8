import assert from "node:assert/strict"
import { test } from "node:test"

import { PriceSeries } from "../../market_data/static/market_data/price-series.js"

function newSeries() {
  const series = new PriceSeries()
  const note = (timestamp, price, exchange) => series.note({ pair: "A/B", timestamp, price, exchange })
  return { series, note }
}

test("polled prices become one point an interval, and the last one always shows", () => {
  const { series, note } = newSeries()
  for (let atMs = 0; atMs <= 60_000; atMs += 2000) note(atMs, atMs + 1)

  assert.deepEqual(series.points("A/B").map(([atMs]) => atMs), [0, 14_000, 28_000, 42_000, 56_000, 60_000])
  assert.deepEqual(series.points("A/B").at(-1), [60_000, 60_001, undefined])
})

test("a series never grows beyond an hour", () => {
  const { series, note } = newSeries()
  for (let atMs = 0; atMs <= 8 * 3_600_000; atMs += 2000) note(atMs, 1)

  const points = series.points("A/B")
  assert.ok(points.length > 200, `${points.length} points`)
  assert.ok(points.at(-1)[0] - points[0][0] <= 3_600_000)
})

test("what was polled before the history came stays at its end", () => {
  const { series, note } = newSeries()
  note(100_000, 7, "kraken")
  series.fill("A/B", [[60_000, 5], [80_000, 6, "bitstamp"], [90_000, null]])

  assert.deepEqual(series.points("A/B"), [[60_000, 5], [80_000, 6, "bitstamp"], [100_000, 7, "kraken"]])
})

test("a series is asked for until it is filled, and again after a pause of polling", () => {
  const { series, note } = newSeries()
  assert.equal(series.isWanting("A/B"), true)
  series.fill("A/B", [[1000, 5]])
  note(38_500, 6)
  assert.equal(series.isWanting("A/B"), false)

  note(600_000, 6)
  assert.equal(series.isWanting("A/B"), true)
})
