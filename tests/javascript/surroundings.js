/** A browser for the poller's tests: the clock stands until it is advanced, requests wait for their answer. */

import { PriceCachePolling } from "../../market_data/static/market_data/price-cache-polling.js"

export const SERVER_TIME_MS = 1_700_000_000_000

export class Surroundings {
  pageUrl = "http://prices.test/"
  nowMs = 1000
  requests = []
  hidden = false
  online = true
  visibility = new EventTarget()
  connectivity = new EventTarget()
  #timers = new Map()
  #nextTimer = 1
  mostAtOnce = 0

  monotonicMs = () => this.nowMs
  random = () => 0
  isHidden = () => this.hidden
  isOnline = () => this.online
  clearTimeout = (timer) => this.#timers.delete(timer)
  setTimeout = (callback, delayMs) => {
    this.#timers.set(this.#nextTimer, { callback, atMs: this.nowMs + delayMs })
    return this.#nextTimer++
  }

  fetch = (url, { headers, signal }) =>
    new Promise((resolve, reject) => {
      const request = { url, headers, atMs: this.nowMs, isOpen: true, isAborted: false }
      const close = (settle) => (value) => ((request.isOpen = false), settle(value))
      request.resolve = close(resolve)
      request.reject = close(reject)
      signal.addEventListener("abort", () => {
        request.isAborted = true
        if (!request.ignoresAbort) request.reject(new DOMException("aborted", "AbortError"))
      })
      this.requests.push(request)
      this.whenAsked?.(request)
      this.mostAtOnce = Math.max(this.mostAtOnce, this.requests.filter(({ isOpen }) => isOpen).length)
    })

  get last() {
    return this.requests.at(-1)
  }

  /** Answer the last request; `X-Market-Data-Time` runs with this clock unless `headers` has another. */
  async answer(status, body = "", headers = {}, request = this.last) {
    const text = typeof body === "string" ? body : JSON.stringify(body)
    const time = String(SERVER_TIME_MS + this.nowMs)
    request.resolve(
      new Response(status === 304 ? null : text, { status, headers: { "X-Market-Data-Time": time, ...headers } }),
    )
    await this.settle()
  }

  async fail(request = this.last) {
    request.reject(new TypeError("connection refused"))
    await this.settle()
  }

  /** Let a fetcher supply the answers from now on, each `roundTripMs` after its request. */
  supply(pairs, fetcher, roundTripMs = 20) {
    const seen = new Set()
    const supply = { delaysMs: [], seen }
    this.whenAsked = (request) =>
      this.setTimeout(() => {
        const timestamps = pairs.map((pair, index) => fetcher.receivedAt(this.nowMs, index))
        const newest = Math.max(...timestamps)
        if (!seen.has(newest)) supply.delaysMs.push(this.nowMs - newest)
        seen.add(newest)
        const records = pairs.map((pair, index) => [pair, this.record(pair, 1, this.nowMs - timestamps[index])])
        this.answer(200, Object.fromEntries(records), {}, request)
      }, roundTripMs)
    return supply
  }

  /** Let time pass; timers fire in their order. */
  async advance(ms) {
    const endMs = this.nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter(([, { atMs }]) => atMs <= endMs).sort((a, b) => a[1].atMs - b[1].atMs)[0]
      if (!due) break
      this.#timers.delete(due[0])
      this.nowMs = Math.max(this.nowMs, due[1].atMs)
      due[1].callback()
      await this.settle()
    }
    this.nowMs = endMs
  }

  async hide(isHidden) {
    this.hidden = isHidden
    this.visibility.dispatchEvent(new Event("visibilitychange"))
    await this.settle()
  }

  async connect(isOnline) {
    this.online = isOnline
    this.connectivity.dispatchEvent(new Event(isOnline ? "online" : "offline"))
    await this.settle()
  }

  /** Wait until every promise that can go on has done so. */
  async settle() {
    for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve))
  }

  /** A record received `ageMs` ago on the server's clock. */
  record(pair, price, ageMs = 0) {
    const timestamp = SERVER_TIME_MS + this.nowMs - ageMs
    return { pair, price, volume: 1, timestamp, change24h: 1, high24h: price, low24h: price }
  }

  /** An answer's body with a record for each pair → price. */
  records(prices, ageMs = 0) {
    return Object.fromEntries(Object.entries(prices).map(([pair, price]) => [pair, this.record(pair, price, ageMs)]))
  }
}

/**
 * A fetcher on the surroundings' clock: from `sinceMs` on a fetch every `intervalMs`, which takes `durationMs(number)`;
 * the `index`-th pair comes `spreadMs` after the one before. Later entries of `phases` replace earlier ones.
 */
export class Fetcher {
  constructor(...phases) {
    this.phases = phases
  }

  /** Return when the newest price of a pair was received that can be read at `nowMs`. */
  receivedAt(nowMs, index = 0) {
    let newest = -10_000
    for (const { sinceMs, untilMs = Infinity, intervalMs, durationMs = () => 30, spreadMs = 0 } of this.phases) {
      for (let number = 0; ; number++) {
        const startedAtMs = sinceMs + number * intervalMs
        const receivedAtMs = startedAtMs + durationMs(number) + index * spreadMs
        if (startedAtMs >= untilMs || startedAtMs > nowMs) break
        if (receivedAtMs <= nowMs) newest = Math.max(newest, receivedAtMs)
      }
    }
    return newest
  }
}

/** Return a poller that has been started in new surroundings, and the list of what it told its listener. */
export async function started(pairs, options = {}) {
  const browser = new Surroundings()
  const polling = new PriceCachePolling(pairs, options, browser)
  const told = []
  polling.subscribe((snapshot) => told.push(snapshot))
  polling.start()
  await browser.settle()
  return { browser, polling, told }
}
