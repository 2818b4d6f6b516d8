import assert from "node:assert/strict"
import { describe, test } from "node:test"

import {
  PollBudget,
  backoffMs,
  retryAfterMs,
  untilNextPricesMs,
} from "../../market_data/static/market_data/poll-timing.js"

const INTERVAL_MS = 4000
const NOW_MS = 1_700_000_000_000
const first = () => 0 // of the readers that ask after a fetch
const last = () => 1

/** Return how long to wait with prices that were received so many ms before now. */
const wait = (agesMs, random = first) =>
  untilNextPricesMs(agesMs.map((ageMs) => NOW_MS - ageMs), NOW_MS, INTERVAL_MS, random)

describe("Waiting for the fetcher's next prices", () => {
  test("they are there one interval after the last ones, and the time that they take into an answer", () => {
    assert.equal(wait([0]), INTERVAL_MS + 150)
    assert.equal(wait([1000]), INTERVAL_MS + 150 - 1000)
  })

  test("the last price of a fetch counts, so that one request has all", () => {
    assert.equal(wait([300, 200, 100]), INTERVAL_MS + 150 - 100)
  })

  test("after an answer from the middle of a fetch, the rest of the fetch is waited for", () => {
    assert.equal(wait([0, 3900, 3700]), INTERVAL_MS + 150 - 3700)
  })

  test("a price that is not fetched any more does not hide when the others come", () => {
    assert.equal(wait([100, 12_000]), INTERVAL_MS + 150 - 100)
  })

  test("prices that are late are asked for once more, soon", () => {
    assert.equal(wait([4150]), 400)
    assert.equal(wait([12_000]), 400)
    assert.equal(wait([]), 400)
  })

  test("prices of a clock that is far ahead say nothing about when to ask", () => {
    assert.equal(wait([-3_600_000]), 400)
    assert.equal(wait([-3_600_000, 1000]), INTERVAL_MS + 150 - 1000)
  })

  test("many readers are spread over a fifth of a second", () => {
    assert.equal(wait([0], last) - wait([0], first), 200)
  })
})

describe("How often may be asked", () => {
  test("once an interval, with one request ahead of its time", () => {
    const budget = new PollBudget()
    budget.spend(10_000, 2000)
    assert.equal(budget.waitMs(10_400, 2000), -400)

    budget.spend(10_400, 2000)
    assert.equal(budget.waitMs(10_400, 2000), 1600)
  })

  test("what is not spent is lost, so that a long wait is followed by no burst", () => {
    const budget = new PollBudget()
    budget.spend(10_000, 2000)
    for (const nowMs of [60_000, 60_100]) budget.spend(nowMs, 2000)

    assert.equal(budget.waitMs(60_100, 2000), 1900)
  })
})

describe("After a failure", () => {
  for (const [failures, longestMs, shortestMs] of [
    [1, 2000, 1500],
    [2, 4000, 3000],
    [3, 8000, 6000],
    [4, 15_000, 11_250],
    [60, 15_000, 11_250],
  ]) {
    test(`number ${failures} in a row the pause is ${shortestMs} to ${longestMs} ms`, () => {
      assert.equal(backoffMs(failures, 2000, () => 0), longestMs)
      assert.equal(backoffMs(failures, 2000, () => 1), shortestMs)
    })
  }
})

describe("Retry-After is read in both its forms, and capped", () => {
  for (const [headers, waitMs] of [
    [{ "Retry-After": "4" }, 4000],
    [{ "Retry-After": "0" }, 0],
    [{ "Retry-After": "999999" }, 300_000],
    [{ "Retry-After": "soon" }, null],
    [{ "Retry-After": "-3" }, null],
    [{}, null],
    [{ "Retry-After": "Wed, 21 Oct 2015 07:28:07 GMT", Date: "Wed, 21 Oct 2015 07:28:00 GMT" }, 7000],
  ]) {
    test(JSON.stringify(headers), () => assert.equal(retryAfterMs(new Headers(headers)), waitMs))
  }
})
