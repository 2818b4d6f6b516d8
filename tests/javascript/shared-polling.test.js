/** One poller for several components, on a clock and a network that each test moves by hand. */

import assert from "node:assert/strict"
import { test } from "node:test"

import { parsePriceRecords } from "../../market_data/static/market_data/price-records.js"
import { SharedPolling } from "../../market_data/static/market_data/shared-polling.js"
import { SERVER_TIME_MS, Surroundings } from "./surroundings.js"

const OPTIONS = { pollIntervalMs: 2000, staleThresholdMs: 30_000 }
const ignore = () => {}

function shared(more = {}) {
  const browser = new Surroundings()
  return { browser, polling: new SharedPolling({ endpoint: "/p", ...more }, browser) }
}

/** What a component brings with it: prices of `ageMs`. */
function brought(browser, prices, ageMs = 0) {
  const records = parsePriceRecords(JSON.stringify(browser.records(prices, ageMs)))
  const time = { serverTimeMs: SERVER_TIME_MS + browser.nowMs, requestedAtMs: browser.nowMs }
  return { records, missing: [], source: null, time }
}

const urlsOf = (browser) => browser.requests.map(({ url }) => url)

test("one request a round names the pairs of all components once", async () => {
  const { browser, polling } = shared()
  const told = { one: 0, other: 0 }
  const one = polling.join(["A/B", "C/D"], OPTIONS, () => told.one++)
  const other = polling.join(["C/D", "E/F"], OPTIONS, () => told.other++)
  await browser.settle()
  await browser.answer(200, browser.records({ "A/B": 1, "C/D": 2, "E/F": 3 }))
  await browser.advance(2000)

  assert.deepEqual(urlsOf(browser), ["/p?pairs=A/B,C/D,E/F", "/p?pairs=A/B,C/D,E/F"])
  assert.deepEqual(Object.keys(one.snapshot().prices), ["A/B", "C/D"])
  assert.deepEqual(Object.keys(other.snapshot().prices), ["C/D", "E/F"])
  assert.deepEqual(told, { one: 1, other: 1 })
  assert.equal(browser.mostAtOnce, 1)
})

test("each component has the state of its own pairs", async () => {
  const { browser, polling } = shared()
  const live = polling.join(["A/B"], OPTIONS, ignore)
  const old = polling.join(["C/D"], OPTIONS, ignore)
  const patient = polling.join(["C/D", "A/B"], { ...OPTIONS, staleThresholdMs: 60_000 }, ignore)
  const missing = polling.join(["X/Y"], OPTIONS, ignore)
  await browser.settle()
  const body = { ...browser.records({ "A/B": 1 }), ...browser.records({ "C/D": 2 }, 40_000) }
  await browser.answer(206, body, { "X-Market-Data-Missing": "X%2FY" })

  assert.equal(live.snapshot().status, "polling")
  assert.equal(old.snapshot().status, "stale")
  assert.equal(patient.snapshot().status, "polling")
  assert.equal(missing.snapshot().status, "unavailable")
})

test("a component is told only of changes of its own pairs", async () => {
  const { browser, polling } = shared()
  let told = 0
  polling.join(["A/B"], OPTIONS, () => told++)
  polling.join(["C/D"], OPTIONS, ignore)
  await browser.settle()
  const first = browser.records({ "A/B": 1, "C/D": 2 })
  await browser.answer(200, first)
  await browser.advance(2000)
  await browser.answer(200, { ...first, ...browser.records({ "C/D": 3 }) })

  assert.equal(told, 1)
})

test("a component that comes later is asked for at once, and the others keep their prices", async () => {
  const { browser, polling } = shared()
  const one = polling.join(["A/B"], OPTIONS, ignore)
  await browser.settle()
  await browser.answer(200, browser.records({ "A/B": 1 }))
  await browser.advance(500)
  const other = polling.join(["C/D"], OPTIONS, ignore)
  assert.equal(other.snapshot().isLoading, true)

  await browser.advance(0)
  assert.deepEqual([browser.last.url, browser.last.atMs], ["/p?pairs=A/B,C/D", 1500])
  await browser.answer(200, browser.records({ "A/B": 1, "C/D": 2 }))
  assert.equal(one.snapshot().prices["A/B"].price, 1)
  assert.equal(other.snapshot().status, "polling")
})

test("what is missing is still known to be when another component comes", async () => {
  const { browser, polling } = shared()
  const missing = polling.join(["X/Y"], OPTIONS, ignore)
  await browser.settle()
  await browser.answer(503)
  polling.join(["A/B"], OPTIONS, ignore)

  assert.equal(missing.snapshot().status, "unavailable")
  assert.equal(missing.snapshot().isLoading, false)
})

test("a component that comes while a request is under way is asked for right after it", async () => {
  const { browser, polling } = shared()
  polling.join(["A/B"], OPTIONS, ignore)
  await browser.settle()
  const other = polling.join(["C/D"], OPTIONS, ignore)
  await browser.answer(200, browser.records({ "A/B": 1 }))
  assert.equal(other.snapshot().status, "polling")

  await browser.advance(0)
  await browser.answer(200, browser.records({ "A/B": 1, "C/D": 2 }))
  assert.deepEqual(urlsOf(browser), ["/p?pairs=A/B", "/p?pairs=A/B,C/D"])
  assert.equal(other.snapshot().status, "polling")
  assert.equal(browser.mostAtOnce, 1)
})

test("a component that brings its prices costs no request of its own", async () => {
  const { browser, polling } = shared()
  polling.join(["A/B"], OPTIONS, ignore)
  await browser.settle()
  await browser.answer(200, browser.records({ "A/B": 1 }))
  await browser.advance(500)
  const other = polling.join(["C/D"], { ...OPTIONS, initial: brought(browser, { "C/D": 2 }, 1000) }, ignore)
  await browser.advance(100)

  assert.equal(browser.requests.length, 1)
  assert.equal(other.snapshot().prices["C/D"].price, 2)
  assert.equal(other.snapshot().ages["C/D"], 1100)
})

test("what left is not asked for, and after the last nothing is until one returns", async () => {
  const { browser, polling } = shared()
  const one = polling.join(["A/B"], OPTIONS, ignore)
  let told = 0
  const other = polling.join(["C/D"], OPTIONS, () => told++)
  await browser.settle()
  await browser.answer(200, browser.records({ "A/B": 1, "C/D": 1 }))
  other.leave()
  other.leave()
  await browser.advance(2000)
  assert.equal(browser.last.url, "/p?pairs=A/B")

  await browser.answer(200, browser.records({ "A/B": 2 }))
  one.leave()
  await browser.advance(600_000)
  assert.equal(told, 1)
  assert.equal(browser.requests.length, 2)

  const back = polling.join(["C/D"], OPTIONS, ignore)
  await browser.advance(0)
  await browser.answer(200, browser.records({ "C/D": 4 }))
  assert.equal(browser.requests.length, 3)
  assert.equal(back.snapshot().prices["C/D"].price, 4)
})

test("more pairs together than a request may name are split, and told of as one", async () => {
  const { browser, polling } = shared({ maxPairsPerRequest: 2 })
  let told = 0
  polling.join(["A/B", "C/D"], OPTIONS, () => told++)
  polling.join(["E/F"], OPTIONS, () => told++)
  await browser.settle()
  await browser.answer(200, browser.records({ "A/B": 1, "C/D": 1 }))
  await browser.answer(200, browser.records({ "E/F": 1 }))

  assert.deepEqual(urlsOf(browser), ["/p?pairs=A/B,C/D", "/p?pairs=E/F"])
  assert.equal(browser.mostAtOnce, 1)
  assert.equal(told, 2)
})

test("where one wants all configured pairs the request names none, and serves the others too", async () => {
  const { browser, polling } = shared({ maxPairsPerRequest: 1 })
  const all = polling.join(["A/B", "C/D"], { ...OPTIONS, usesConfiguredPairs: true }, ignore)
  const one = polling.join(["C/D"], OPTIONS, ignore)
  await browser.settle()
  await browser.answer(200, browser.records({ "A/B": 1, "C/D": 2 }))
  all.leave()
  await browser.advance(2000)

  assert.deepEqual(urlsOf(browser), ["/p", "/p?pairs=C/D"])
  assert.equal(one.snapshot().prices["C/D"].price, 2)
})

test("the shortest poll interval counts for as long as its component is there", async () => {
  const { browser, polling } = shared()
  polling.join(["A/B"], { ...OPTIONS, pollIntervalMs: 5000 }, ignore)
  const hasty = polling.join(["A/B"], { ...OPTIONS, pollIntervalMs: 1000 }, ignore)
  await browser.settle()
  const poll = async (ms) => {
    await browser.answer(200, browser.records({ "A/B": 1 }))
    await browser.advance(ms)
  }
  await poll(1000)
  await poll(500)
  hasty.leave()
  await browser.advance(500)
  await poll(5000)

  assert.deepEqual(browser.requests.map(({ atMs }) => atMs), [1000, 2000, 3000, 8000])
})
