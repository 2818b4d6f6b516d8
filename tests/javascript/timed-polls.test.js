/** When the poller asks, given when the fetcher fetches: minutes of both, on a clock that is moved by hand. */

import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { PriceCachePolling } from "../../market_data/static/market_data/price-cache-polling.js"
import { Fetcher, Surroundings } from "./surroundings.js"

const MINUTES = 3

/** Let a poller run beside a fetcher for three minutes; what happened in the half minute before is not counted. */
async function observe(fetcher, options, pairs = ["A/B"]) {
  const browser = new Surroundings()
  browser.random = () => 0.5
  const polling = new PriceCachePolling(pairs, options, browser)
  const supply = browser.supply(pairs, fetcher)
  polling.start()
  await browser.advance(30_000)
  const [asked, seen] = [browser.requests.length, supply.delaysMs.length]
  await browser.advance(MINUTES * 60_000)
  return {
    requestsPerMinute: (browser.requests.length - asked) / MINUTES,
    delaysMs: supply.delaysMs.slice(seen), // from a price's receipt to its first answer
    instants: browser.requests.map(({ atMs }) => atMs),
  }
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length
const assertBelow = (actual, limit) => assert.ok(actual < limit, `${actual} is not below ${limit}`)

describe("a price is seen sooner, and with fewer requests, than by polls every 2 s", () => {
  for (const intervalMs of [2500, 3000, 4000, 5000, 7000, 10_000]) {
    test(`with a fetch every ${intervalMs} ms`, async () => {
      const blindDelaysMs = []
      for (const sinceMs of [200, 700, 1200, 1700]) {
        const fetcher = new Fetcher({ sinceMs, intervalMs })
        const blind = await observe(fetcher, {})
        const timed = await observe(fetcher, { fetchIntervalMs: intervalMs })

        assert.equal(blind.requestsPerMinute, 30)
        assertBelow(timed.requestsPerMinute, 60_000 / intervalMs + 0.5)
        assertBelow(mean(timed.delaysMs), 350)
        assert.ok(timed.delaysMs.length >= (MINUTES * 60_000) / intervalMs - 1)
        blindDelaysMs.push(...blind.delaysMs) // long or short by the chance of when the fetcher began
      }
      assert.ok(mean(blindDelaysMs) > 700)
    })
  }
})

test("a fetch every 2 s is followed with a poll every 2 s", async () => {
  const { requestsPerMinute, delaysMs } = await observe(new Fetcher({ sinceMs: 700, intervalMs: 2000 }), {
    fetchIntervalMs: 2000,
  })

  assertBelow(mean(delaysMs), 350)
  assertBelow(requestsPerMinute, 30.5)
})

test("fetches of changing duration are followed", async () => {
  const fetcher = new Fetcher({ sinceMs: 0, intervalMs: 4000, durationMs: (number) => 80 + ((number * 37) % 200) })
  const { requestsPerMinute, delaysMs } = await observe(fetcher, { fetchIntervalMs: 4000 })

  assertBelow(mean(delaysMs), 450)
  assertBelow(requestsPerMinute, 20)
})

test("a fetch that is late now and then delays no other", async () => {
  const fetcher = new Fetcher({ sinceMs: 0, intervalMs: 4000, durationMs: (number) => (number % 5 ? 40 : 1500) })
  const { requestsPerMinute, delaysMs } = await observe(fetcher, { fetchIntervalMs: 4000 })

  assert.ok(delaysMs.length >= 44)
  assertBelow(delaysMs.toSorted((one, other) => one - other)[22], 350)
  assertBelow(requestsPerMinute, 30)
})

test("a dead fetcher is asked after at the usual rate, and followed when it is back at another moment", async () => {
  const fetcher = new Fetcher(
    { sinceMs: 0, intervalMs: 4000, untilMs: 60_000 },
    { sinceMs: 121_700, intervalMs: 4000 },
  )
  const { instants, delaysMs } = await observe(fetcher, { fetchIntervalMs: 4000 })

  const dead = instants.filter((instant) => instant >= 66_000 && instant < 120_000)
  assert.deepEqual(new Set(dead.slice(1).map((instant, index) => instant - dead[index])), new Set([2000]))
  assertBelow(mean(delaysMs.slice(-10)), 350)
})

test("a fetcher that fetches every second time only is asked after at the usual rate between", async () => {
  const { requestsPerMinute, delaysMs } = await observe(new Fetcher({ sinceMs: 0, intervalMs: 8000 }), {
    fetchIntervalMs: 4000,
  })

  assert.ok(delaysMs.every((delayMs) => delayMs <= 2100))
  assertBelow(requestsPerMinute, 30.5)
})

test("a fetch that comes in parts is waited for until it is whole", async () => {
  const fetcher = new Fetcher({ sinceMs: 0, intervalMs: 4000, spreadMs: 250 })
  const { requestsPerMinute, delaysMs } = await observe(fetcher, { fetchIntervalMs: 4000 }, ["A/B", "C/D", "E/F", "G/H"])

  assert.ok(delaysMs.length >= 44)
  assertBelow(mean(delaysMs), 350) // of the last part
  assertBelow(requestsPerMinute, 16)
})

test("a pair that is not fetched any more does not hide when the others come", async () => {
  const fetcher = new Fetcher({ sinceMs: 0, intervalMs: 4000 })
  const withoutFirst = { receivedAt: (nowMs, index) => fetcher.receivedAt(index === 0 ? Math.min(nowMs, 8000) : nowMs) }
  const { requestsPerMinute, delaysMs } = await observe(withoutFirst, { fetchIntervalMs: 4000 }, ["A/B", "C/D"])

  assertBelow(mean(delaysMs), 350)
  assertBelow(requestsPerMinute, 16)
})

describe("it never asks more often than the poll interval allows on average", () => {
  for (const fetchIntervalMs of [2000, 2700, 4000, 9000]) {
    for (const pollIntervalMs of [1000, 2000, 5000]) {
      test(`a fetch every ${fetchIntervalMs} ms, a poll every ${pollIntervalMs} ms`, async () => {
        const durationMs = (number) => 50 + ((number * 61) % 900)
        const fetcher = new Fetcher({ sinceMs: 300, intervalMs: fetchIntervalMs, durationMs })
        const { instants } = await observe(fetcher, { pollIntervalMs, fetchIntervalMs })

        for (let from = 0; from < instants.length - 1; from++) {
          for (let to = from + 1; to < instants.length; to++) {
            const allowed = (instants[to] - instants[from]) / pollIntervalMs + 2 // the first, and one ahead of its time
            assert.ok(to - from + 1 <= allowed, `${to - from + 1} from ${instants[from]} to ${instants[to]} ms`)
          }
        }
      })
    }
  }
})
