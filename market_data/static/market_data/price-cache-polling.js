/**
 * Keeps the prices of some pairs current by asking the price cache, for any page and any number of readers.
 *
 *     import { PriceCachePolling } from "/static/market_data/price-cache-polling.js"
 *     const polling = new PriceCachePolling(["BTC/USDT"], { pollIntervalMs: 2000, staleThresholdMs: 30000 })
 *     const unsubscribe = polling.subscribe(({ status, prices }) => console.log(status, prices))
 *     polling.start()
 *
 * One request at a time; none while the page is hidden; further apart while the server fails. It touches no DOM but
 * the events that say whether the page is seen and the browser connected.
 */

import { backoffMs } from "./poll-timing.js";
import { PriceEndpoint, pairLists } from "./price-endpoint.js";
import { PriceState, differs } from "./price-state.js";

const DEFAULTS = {
  endpoint: "/api/market-data/prices",
  pollIntervalMs: 2000, // from the start of one poll to the start of the next
  staleThresholdMs: 30_000, // an older price is stale
  requestTimeoutMs: 5000,
  maxPairsPerRequest: 200, // more are asked for in several requests, one after another
  usesConfiguredPairs: false, // the pairs are all that the server has: leave them out of the request
  initial: null, // what the page brought with it: {records, missing, source, time}
}

/** What the module needs of a browser; a test may give its own. */
const BROWSER = {
  fetch: (...parameters) => globalThis.fetch(...parameters),
  monotonicMs: () => performance.now(),
  setTimeout: (callback, delayMs) => globalThis.setTimeout(callback, delayMs),
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
  random: () => Math.random(),
  isHidden: () => globalThis.document?.hidden ?? false,
  isOnline: () => globalThis.navigator?.onLine ?? true,
  visibility: globalThis.document, // sends "visibilitychange"
  connectivity: globalThis, // sends "online" and "offline"
}

export class PriceCachePolling {
  #options
  #surroundings
  #endpoint
  #state
  #events
  #listeners = new Set()
  #isRunning = false
  #request = null // the AbortController of the one request under way
  #timer = null
  #notBeforeMs = 0 // what Retry-After asked for
  #notifiedOf = null

  constructor(pairs, options = {}, surroundings = {}) {
    const distinct = Object.freeze([...new Set(pairs)])
    this.#options = { ...DEFAULTS, ...options }
    this.#surroundings = { ...BROWSER, ...surroundings }
    const { endpoint, maxPairsPerRequest, usesConfiguredPairs, staleThresholdMs, initial } = this.#options
    const lists = distinct.length ? pairLists(distinct, maxPairsPerRequest, usesConfiguredPairs) : []
    this.#endpoint = new PriceEndpoint(endpoint, lists, this.#options.requestTimeoutMs, this.#surroundings)
    this.#state = new PriceState(distinct, staleThresholdMs, initial)
    this.#events = [
      [this.#surroundings.visibility, "visibilitychange", () => this.#whenSeenOrHidden()],
      [this.#surroundings.connectivity, "online", () => this.#poll()],
      [this.#surroundings.connectivity, "offline", () => this.#poll()],
    ]
  }

  /** pair → record, last known ones included. A record's `text` has its figures in the digits that were sent. */
  get prices() {
    return this.snapshot().prices
  }

  /** `idle`, `polling` (live), `stale`, `unavailable` or `error`. */
  get status() {
    return this.snapshot().status
  }

  /** Whether the first answer is awaited. */
  get isLoading() {
    return this.snapshot().isLoading
  }

  get isStale() {
    return this.snapshot().isStale
  }

  /** The pairs whose price is too old, or only the last one known. */
  get stalePairs() {
    return this.snapshot().stalePairs
  }

  /** When the last answer with prices came, in Unix ms on the server's clock, or null. */
  get lastUpdate() {
    return this.snapshot().lastUpdate
  }

  /** When the newest of the prices was received from the exchange, in Unix ms on the server's clock, or null. */
  get lastServerUpdate() {
    return this.snapshot().lastServerUpdate
  }

  /** Why prices cannot be had, `{kind, message}`, or null; `kind` is `network`, `timeout`, `http` or `malformed`. */
  get error() {
    return this.snapshot().error
  }

  /** Return all of the above as of this instant, with `states`, `ages` (ms), `missingPairs` and `source`. */
  snapshot() {
    return this.#state.snapshot(this.#surroundings.monotonicMs(), this.#isRunning)
  }

  /** Call `listener(snapshot)` after every poll that changed something; returns the function that ends it. */
  subscribe(listener) {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  start() {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#notifiedOf = this.snapshot()
    for (const [target, name, listener] of this.#events) target?.addEventListener?.(name, listener)
    this.#poll()
  }

  stop() {
    if (!this.#isRunning) return
    this.#isRunning = false
    for (const [target, name, listener] of this.#events) target?.removeEventListener?.(name, listener)
    this.#unschedule()
    this.#request?.abort()
    this.#request = null
    this.#notifyOfChange()
  }

  #whenSeenOrHidden() {
    if (this.#surroundings.isHidden()) this.#unschedule()
    else this.#poll()
  }

  async #poll() {
    const startedAtMs = this.#surroundings.monotonicMs()
    if (!this.#mayAsk) return
    if (startedAtMs < this.#notBeforeMs) return this.#schedule(this.#notBeforeMs - startedAtMs)
    this.#unschedule()
    const request = new AbortController()
    this.#request = request
    const reading = await this.#endpoint.read(request.signal)
    if (this.#request !== request) return // stopped meanwhile: a late answer never wins
    this.#request = null
    const { monotonicMs, isOnline } = this.#surroundings
    const endedAtMs = monotonicMs()
    this.#state.take(reading, { monotonicMs: endedAtMs, isOnline: isOnline() })
    this.#notBeforeMs = reading.waitMs ? endedAtMs + reading.waitMs : 0
    this.#schedule(this.#delayMs(reading.waitMs, endedAtMs - startedAtMs))
    this.#notifyOfChange()
  }

  get #mayAsk() {
    return this.#isRunning && !this.#request && !this.#surroundings.isHidden() && this.snapshot().pairs.length > 0
  }

  #delayMs(waitMs, elapsedMs) {
    const { pollIntervalMs } = this.#options
    const { failures } = this.#state
    if (waitMs) return Math.max(waitMs, pollIntervalMs - elapsedMs)
    if (failures) return backoffMs(failures, pollIntervalMs, this.#surroundings.random)
    return Math.max(0, pollIntervalMs - elapsedMs)
  }

  #schedule(delayMs) {
    this.#unschedule()
    if (this.#surroundings.isHidden()) return
    this.#timer = this.#surroundings.setTimeout(() => this.#poll(), delayMs)
  }

  #unschedule() {
    this.#surroundings.clearTimeout(this.#timer)
    this.#timer = null
  }

  #notifyOfChange() {
    const snapshot = this.snapshot()
    if (!differs(this.#notifiedOf, snapshot)) return
    this.#notifiedOf = snapshot
    for (const listener of this.#listeners) listener(snapshot)
  }
}
