import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { ageMs, overallStatus, pairState } from "../../market_data/static/market_data/price-state.js"

describe("a price from the future is no fresher for a server clock that was set back", () => {
  const record = { timestamp: 10_000_000 }
  for (const [name, serverNowMs, age, state] of [
    ["four seconds old", 10_004_000, 4000, "live"],
    ["an hour ahead", 6_400_000, 3_600_000, "stale"],
    ["of unknown age", null, Infinity, "stale"],
  ]) {
    test(name, () => {
      assert.equal(ageMs(record, serverNowMs), age)
      assert.equal(pairState(record, { isMissing: false, serverNowMs, staleThresholdMs: 30_000 }), state)
    })
  }
})

describe("the worse state takes precedence", () => {
  const WORST_FIRST = { isIdle: "idle", hasError: "error", isUnavailable: "unavailable", isStale: "stale" }
  const names = Object.keys(WORST_FIRST)
  for (let bits = 0; bits < 2 ** names.length; bits++) {
    const conditions = Object.fromEntries(names.map((name, index) => [name, Boolean(bits & (1 << index))]))
    const worst = names.find((name) => conditions[name])
    const expected = worst ? WORST_FIRST[worst] : "polling"
    test(`${names.filter((name) => conditions[name]).join(", ") || "nothing"} is ${expected}`, () => {
      assert.equal(overallStatus(conditions), expected)
    })
  }
})
