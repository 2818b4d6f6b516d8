/** The poller, with a clock and a network that each test moves by hand. */

import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { PriceCachePolling } from "../../market_data/static/market_data/price-cache-polling.js"
import { parsePriceRecords } from "../../market_data/static/market_data/price-records.js"
import { SERVER_TIME_MS, Surroundings, started } from "./surroundings.js"

const instantsOf = (browser) => browser.requests.map(({ atMs }) => atMs)
const urlsOf = (browser) => browser.requests.map(({ url }) => url)

describe("When it asks", () => {
  test("it is idle until it is started, and without pairs for good", async () => {
    const waiting = new PriceCachePolling(["A/B"], {}, new Surroundings())
    const { browser, polling } = await started([])
    await browser.advance(60_000)

    assert.deepEqual([waiting.status, waiting.isLoading], ["idle", false])
    assert.deepEqual([polling.status, polling.isLoading], ["idle", false])
    assert.equal(browser.requests.length, 0)
  })

  test("it asks once an interval, from start to start", async () => {
    const { browser } = await started(["A/B"], { pollIntervalMs: 2000 })
    for (let poll = 0; poll < 3; poll++) {
      await browser.advance(300)
      await browser.answer(200, browser.records({ "A/B": 1 + poll }))
      await browser.advance(1700)
    }

    assert.deepEqual(instantsOf(browser), [1000, 3000, 5000, 7000])
  })

  test("there are never two requests at once", async () => {
    const { browser, polling } = await started(["A/B"], { pollIntervalMs: 500 })
    polling.start()
    await browser.advance(4000)
    await browser.hide(true)
    await browser.hide(false)
    await browser.connect(false)
    await browser.connect(true)
    assert.equal(browser.requests.length, 1)

    await browser.answer(200, browser.records({ "A/B": 1 }))
    await browser.hide(true)
    await browser.hide(false)
    await browser.connect(true)
    await browser.advance(3000)
    assert.equal(browser.mostAtOnce, 1)
  })

  test("nothing is asked while the page is hidden, and at once when it is seen again", async () => {
    const { browser } = await started(["A/B"])
    await browser.answer(200, browser.records({ "A/B": 1 }))
    await browser.hide(true)
    await browser.advance(600_000)
    assert.equal(browser.requests.length, 1)

    await browser.hide(false)
    assert.deepEqual(instantsOf(browser), [1000, 601_000])
  })

  test("an answer that comes while the page is hidden is followed by no request", async () => {
    const { browser, polling } = await started(["A/B"])
    await browser.hide(true)
    await browser.answer(200, browser.records({ "A/B": 1 }))
    await browser.advance(60_000)

    assert.equal(browser.requests.length, 1)
    assert.equal(polling.prices["A/B"].price, 1)
  })

  test("a page that starts hidden asks when it is first seen", async () => {
    const browser = new Surroundings()
    browser.hidden = true
    new PriceCachePolling(["A/B"], {}, browser).start()
    assert.equal(browser.requests.length, 0)

    await browser.hide(false)
    assert.equal(browser.requests.length, 1)
  })

  test("Retry-After is obeyed even when the page is seen again", async () => {
    const { browser } = await started(["A/B"])
    await browser.answer(503, {}, { "Retry-After": "20" })
    await browser.advance(5000)
    await browser.hide(true)
    await browser.hide(false)
    await browser.connect(true)
    await browser.advance(14_999)
    assert.equal(browser.requests.length, 1)

    await browser.advance(1)
    assert.deepEqual(instantsOf(browser), [1000, 21_000])
  })

  test("requests are further and further apart while they fail, up to a cap", async () => {
    const { browser } = await started(["A/B"], { pollIntervalMs: 2000 })
    for (let failure = 0; failure < 6; failure++) {
      await browser.fail()
      const before = browser.requests.length
      while (browser.requests.length === before) await browser.advance(100)
    }
    const instants = instantsOf(browser)
    const pauses = instants.slice(1).map((instant, index) => instant - instants[index])

    assert.deepEqual(pauses, [2000, 4000, 8000, 15_000, 15_000, 15_000])
  })

  test("a server on this machine is asked even where the browser believes to be offline", async () => {
    const { browser, polling } = await started(["A/B"])
    browser.online = false
    await browser.answer(200, browser.records({ "A/B": 1 }))
    await browser.advance(2000)

    assert.equal(polling.status, "polling")
    assert.equal(browser.requests.length, 2)
  })
})

describe("What it asks for", () => {
  test("pairs are encoded in the address", async () => {
    const { browser } = await started(["币安人生/USDT", "A&B/C"])

    assert.equal(
      browser.last.url,
      "/api/market-data/prices?pairs=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9F/USDT,A%26B/C",
    )
  })

  test("all configured pairs are asked for without naming them", async () => {
    const { browser, polling } = await started(["A/1", "B/1"], { maxPairsPerRequest: 1, usesConfiguredPairs: true })
    await browser.answer(200, browser.records({ "A/1": 1, "B/1": 1, "C/1": 1 }))

    assert.deepEqual(urlsOf(browser), ["/api/market-data/prices"])
    assert.deepEqual(Object.keys(polling.prices), ["A/1", "B/1"])
  })

  test("more pairs than fit one request are asked for one after another, as one update", async () => {
    const pairs = ["A/1", "B/1", "C/1", "D/1", "E/1"]
    const { browser, polling, told } = await started(pairs, { maxPairsPerRequest: 2, endpoint: "/p" })
    await browser.answer(200, browser.records({ "A/1": 1, "B/1": 1 }))
    assert.deepEqual([polling.isLoading, polling.prices, told], [true, {}, []])

    await browser.answer(503)
    await browser.answer(200, browser.records({ "E/1": 1 }))
    assert.deepEqual(urlsOf(browser), ["/p?pairs=A/1,B/1", "/p?pairs=C/1,D/1", "/p?pairs=E/1"])
    assert.equal(browser.mostAtOnce, 1)
    assert.equal(told.length, 1)
    assert.equal(polling.status, "polling")
    assert.deepEqual(polling.snapshot().missingPairs, ["C/1", "D/1"])
  })
})

describe("What it knows", () => {
  test("it is loading until the first answer, and then live", async () => {
    const { browser, polling } = await started(["BTC/USDT"])
    assert.deepEqual([polling.isLoading, polling.status], [true, "polling"])

    await browser.answer(200, browser.records({ "BTC/USDT": 43250.5 }, 700))
    assert.deepEqual([polling.isLoading, polling.status, polling.error], [false, "polling", null])
    assert.equal(polling.prices["BTC/USDT"].price, 43250.5)
    assert.deepEqual([polling.isStale, polling.stalePairs], [false, []])
    assert.equal(polling.lastUpdate - SERVER_TIME_MS, 1000)
    assert.equal(polling.lastServerUpdate - SERVER_TIME_MS, 300)
  })

  test("prices that came with the page are there before the first answer", async () => {
    const browser = new Surroundings()
    const records = parsePriceRecords(JSON.stringify(browser.records({ "A/B": 5 }, 2000)))
    const time = { serverTimeMs: SERVER_TIME_MS + browser.nowMs, requestedAtMs: browser.nowMs }
    const initial = { records, missing: [], source: "simulator", time }
    const polling = new PriceCachePolling(["A/B"], { initial }, browser)
    polling.start()
    await browser.advance(500)

    const { prices, ages, source, status, isLoading } = polling.snapshot()
    assert.equal(prices["A/B"].price, 5)
    assert.equal(ages["A/B"], 2500)
    assert.deepEqual([source, status, isLoading], ["simulator", "polling", true])
  })

  test("an answer that comes after the timeout or the stop never wins", async () => {
    const { browser, polling } = await started(["A/B"], { requestTimeoutMs: 5000 })
    const late = browser.last
    late.ignoresAbort = true
    await browser.advance(5000)
    await browser.advance(2000)
    await browser.answer(200, browser.records({ "A/B": 2 }))
    await browser.answer(200, browser.records({ "A/B": 1 }), {}, late)
    assert.equal(late.isAborted, true)
    assert.equal(polling.prices["A/B"].price, 2)

    await browser.advance(2000)
    const last = browser.last
    last.ignoresAbort = true
    polling.stop()
    await browser.answer(200, browser.records({ "A/B": 3 }), {}, last)
    await browser.advance(60_000)
    assert.equal(polling.prices["A/B"].price, 2)
    assert.equal(polling.status, "idle")
    assert.equal(browser.last, last)
  })

  test("an older record from a node that lags does not replace a newer one", async () => {
    const { browser, polling } = await started(["A/B"])
    await browser.answer(200, browser.records({ "A/B": 2 }, 0))
    await browser.advance(2000)
    await browser.answer(200, browser.records({ "A/B": 1 }, 9000))

    assert.equal(polling.prices["A/B"].price, 2)
  })

  test("a price from the future, or a stale one, blocks nothing", async () => {
    const { browser, polling } = await started(["FUTURE/B", "STALE/B"], { staleThresholdMs: 30_000 })
    await browser.answer(200, {
      ...browser.records({ "FUTURE/B": 2 }, -3_600_000),
      ...browser.records({ "STALE/B": 2 }, 40_000),
    })
    await browser.advance(2000)
    await browser.answer(200, {
      ...browser.records({ "FUTURE/B": 1 }, 0),
      ...browser.records({ "STALE/B": 1 }, 50_000),
    })

    assert.equal(polling.prices["FUTURE/B"].price, 1)
    assert.equal(polling.prices["STALE/B"].price, 1)
  })

  test("an age counts from the request, and adds what a shared cache says", async () => {
    const { browser, polling } = await started(["A/B"])
    const body = browser.records({ "A/B": 1 }, 1000)
    const time = String(SERVER_TIME_MS + browser.nowMs)
    await browser.advance(400)
    await browser.answer(200, body, { "X-Market-Data-Time": time, Age: "3" })
    assert.equal(polling.snapshot().ages["A/B"], 4400)

    await browser.advance(1000)
    assert.equal(polling.snapshot().ages["A/B"], 5400)
  })

  test("the browser's date is never asked", async (context) => {
    context.mock.method(Date, "now", () => assert.fail("the date was asked"))
    const { browser, polling } = await started(["A/B"], { fetchIntervalMs: 4000 })
    await browser.answer(200, browser.records({ "A/B": 1 }, 1500))

    assert.equal(polling.status, "polling")
    assert.equal(polling.snapshot().ages["A/B"], 1500)
  })

  test("304 keeps the prices and lets their age go on", async () => {
    const { browser, polling, told } = await started(["A/B"])
    await browser.answer(200, browser.records({ "A/B": 1 }), { ETag: '"one"' })
    await browser.advance(2000)
    assert.equal(browser.last.headers["If-None-Match"], '"one"')

    await browser.answer(304)
    assert.equal(polling.status, "polling")
    assert.equal(polling.prices["A/B"].price, 1)
    assert.equal(polling.snapshot().ages["A/B"], 2000)
    assert.equal(told.length, 1)
  })

  test("another host is never asked with If-None-Match, which it would have to be asked about first", async () => {
    const { browser } = await started(["A/B"], { endpoint: "https://prices.example.org/api/market-data/prices" })
    await browser.answer(200, browser.records({ "A/B": 1 }), { ETag: '"one"' })
    await browser.advance(2000)

    assert.equal(browser.requests.length, 2)
    assert.equal("If-None-Match" in browser.last.headers, false)
  })

  test("listeners hear of a poll once, and only if it changed something", async () => {
    const { browser, polling, told } = await started(["A/B", "C/D"])
    const first = browser.records({ "A/B": 1, "C/D": 2 })
    const counts = []
    for (const body of [first, first, browser.records({ "A/B": 3, "C/D": 4 }, -2000)]) {
      await browser.answer(200, body)
      counts.push(told.length)
      await browser.advance(2000)
    }
    assert.deepEqual(counts, [1, 1, 2])

    polling.subscribe(() => assert.fail("it was told after its end"))()
    await browser.answer(503)
    assert.deepEqual(told.map(({ status }) => status), ["polling", "polling", "unavailable"])
  })
})

describe("When something is wrong", () => {
  test("one lost request is no error, and the second in a row is", async () => {
    const { browser, polling } = await started(["A/B"])
    await browser.answer(200, browser.records({ "A/B": 1 }))
    await browser.advance(2000)
    await browser.fail()
    assert.deepEqual([polling.status, polling.error], ["polling", null])

    await browser.advance(2000)
    await browser.fail()
    assert.deepEqual([polling.status, polling.error.kind], ["error", "network"])

    await browser.advance(4000)
    await browser.answer(200, browser.records({ "A/B": 2 }))
    assert.deepEqual([polling.status, polling.error, polling.prices["A/B"].price], ["polling", null, 2])
  })

  const FAILURES = {
    "a refused connection": ["network", (browser) => browser.fail()],
    "status 400": ["http", (browser) => browser.answer(400, { error: "Bad request", message: "pairs is empty" })],
    "status 500": ["http", (browser) => browser.answer(500, "<html>")],
    "a body that is no JSON": ["malformed", (browser) => browser.answer(200, "<html>")],
    "a body that is no object": ["malformed", (browser) => browser.answer(200, "[]")],
    "304 without a question": ["http", (browser) => browser.answer(304)],
    "no answer in time": ["timeout", (browser) => browser.advance(5000)],
  }
  for (const [name, [kind, happen]] of Object.entries(FAILURES)) {
    test(`without any price a failure is an error at once: ${name}`, async () => {
      const { browser, polling } = await started(["A/B"])
      await happen(browser)

      assert.deepEqual([polling.status, polling.error.kind], ["error", kind])
    })
  }

  test("a refusal is an error at once, and says the server's reason", async () => {
    const { browser, polling } = await started(["A/B"])
    await browser.answer(200, browser.records({ "A/B": 1 }))
    await browser.advance(2000)
    await browser.answer(400, { error: "Bad request", message: "pairs is empty" })

    assert.equal(polling.status, "error")
    assert.equal(polling.error.message, "The price server answered with status 400: pairs is empty")
  })

  test("503 means unavailable, and keeps the last known prices as stale", async () => {
    const { browser, polling } = await started(["A/B", "C/D"])
    await browser.answer(200, browser.records({ "A/B": 1, "C/D": 2 }))
    await browser.advance(2000)
    await browser.answer(503, { error: "Price data temporarily unavailable" }, { "Retry-After": "4" })

    assert.deepEqual([polling.status, polling.error], ["unavailable", null])
    assert.deepEqual(polling.stalePairs, ["A/B", "C/D"])
    assert.equal(polling.prices["C/D"].price, 2)
  })

  test("prices come back with a 304 after an outage", async () => {
    const { browser, polling } = await started(["A/B"])
    await browser.answer(200, browser.records({ "A/B": 1 }), { ETag: '"one"' })
    await browser.advance(2000)
    await browser.answer(503)
    await browser.advance(2000)
    await browser.answer(304)

    assert.deepEqual([polling.status, polling.stalePairs], ["polling", []])
  })

  test("an answer without any usable price means unavailable", async () => {
    const { browser, polling } = await started(["A/B"])
    await browser.answer(200, {})

    assert.equal(polling.status, "unavailable")
    assert.deepEqual(polling.snapshot().missingPairs, ["A/B"])
  })

  test("206 marks the missing pairs, and the others stay live", async () => {
    const { browser, polling } = await started(["A/B", "Ä.1/C", "D/E"])
    await browser.answer(206, browser.records({ "A/B": 1 }), { "X-Market-Data-Missing": "%C3%84.1%2FC,D%2FE" })

    assert.equal(polling.status, "polling")
    assert.deepEqual(polling.snapshot().states, { "A/B": "live", "Ä.1/C": "missing", "D/E": "missing" })
  })

  test("a price grows stale without any answer, and an update makes it live again", async () => {
    const { browser, polling } = await started(["A/B"], { staleThresholdMs: 30_000 })
    await browser.answer(200, browser.records({ "A/B": 1 }, 5000))
    await browser.hide(true)
    await browser.advance(25_000)
    assert.equal(polling.status, "polling")

    await browser.advance(1)
    assert.deepEqual([polling.status, polling.stalePairs, polling.isStale], ["stale", ["A/B"], true])

    await browser.hide(false)
    await browser.answer(200, browser.records({ "A/B": 1 }))
    assert.equal(polling.status, "polling")
  })

  test("a record that the server marks as stale is stale", async () => {
    const { browser, polling } = await started(["A/B"])
    await browser.answer(200, { "A/B": { ...browser.record("A/B", 1), stale: true } })

    assert.deepEqual([polling.status, polling.stalePairs], ["stale", ["A/B"]])
  })

  test("going offline is said at once, and coming back is tried at once", async () => {
    const { browser, polling } = await started(["A/B"])
    await browser.answer(200, browser.records({ "A/B": 1 }))
    await browser.advance(500)
    await browser.connect(false)
    await browser.fail()
    assert.deepEqual([polling.status, polling.error.message], ["error", "This browser is offline."])

    await browser.advance(700)
    await browser.connect(true)
    await browser.answer(200, browser.records({ "A/B": 2 }))
    assert.equal(polling.status, "polling")
    assert.deepEqual(instantsOf(browser), [1000, 1500, 2200])
  })
})
