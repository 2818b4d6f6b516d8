/** What is known of some pairs after the answers so far: prices, what is missing, what went wrong. No I/O. */

import { isSameRecord } from "./price-records.js";

/** A single lost request says little; a second one in a row is an error. */
const FAILURES_BEFORE_ERROR = 2

export class PriceState {
  #pairs = Object.freeze([])
  #wanted = new Set()
  #staleThresholdMs
  #clock = new ServerClock()
  #records = Object.freeze({})
  #missing = new Set()
  #asked = new Set() // pairs that a reading has been about
  #heardAt = {} // pair → when it last had a price in an answer
  #failures = 0
  #error = null
  #source = null

  constructor(staleThresholdMs) {
    this.#staleThresholdMs = staleThresholdMs
  }

  /** All pairs of interest. */
  get pairs() {
    return this.#pairs
  }

  /** Polls in a row that brought no price. */
  get failures() {
    return this.#failures
  }

  /** Whether there are pairs of which nothing has been heard. */
  get hasUnknownPairs() {
    return this.#pairs.some((pair) => !this.#records[pair] && !this.#missing.has(pair) && !this.#asked.has(pair))
  }

  /** When the prices were received from the exchange, in Unix ms on the server's clock. */
  get timestamps() {
    return Object.values(this.#records).map(({ timestamp }) => timestamp)
  }

  /** Change the pairs of interest; of the others everything is forgotten. */
  setPairs(pairs) {
    this.#pairs = Object.freeze([...new Set(pairs)])
    this.#wanted = new Set(this.#pairs)
    const isWanted = ([pair]) => this.#wanted.has(pair)
    this.#records = Object.freeze(Object.fromEntries(Object.entries(this.#records).filter(isWanted)))
    this.#heardAt = Object.fromEntries(Object.entries(this.#heardAt).filter(isWanted))
    this.#missing = new Set(this.#pairs.filter((pair) => this.#missing.has(pair)))
    this.#asked = new Set(this.#pairs.filter((pair) => this.#asked.has(pair)))
  }

  /** Take in what a page brought with it of these pairs, `{records, missing, source, time}`. */
  takeInitial(pairs, initial) {
    this.#takeAnswer(pairs, initial, initial.time.requestedAtMs)
  }

  /** Take in one reading about `pairs` that ended at `monotonicMs`; `isOnline` is the browser's opinion. */
  take(pairs, reading, { monotonicMs, isOnline }) {
    if (!reading.error) this.#takeAnswer(pairs, reading, monotonicMs)
    else this.#takeFailure(reading, isOnline)
    const isFailure = reading.error !== null || this.#isUnavailable(pairs)
    this.#failures = isFailure ? this.#failures + 1 : 0
    for (const pair of pairs) this.#asked.add(pair)
  }

  /** Return the server's time in Unix ms, or null where no answer has told it yet. */
  serverTimeMs(monotonicMs) {
    return this.#clock.now(monotonicMs)
  }

  /** Return everything about `pairs` as of `monotonicMs`, with the state and the age of each. */
  snapshot(monotonicMs, isRunning, pairs = this.#pairs, staleThresholdMs = this.#staleThresholdMs) {
    const serverNowMs = this.#clock.now(monotonicMs)
    const prices = pairs === this.#pairs ? this.#records : pick(this.#records, pairs)
    const states = {}
    const ages = {}
    for (const pair of pairs) {
      const record = prices[pair]
      states[pair] = pairState(record, { isMissing: this.#missing.has(pair), serverNowMs, staleThresholdMs })
      ages[pair] = record ? ageMs(record, serverNowMs) : null
    }
    const stalePairs = pairs.filter((pair) => states[pair] === "stale")
    const isIdle = !isRunning || pairs.length === 0
    return {
      pairs,
      prices,
      states,
      ages,
      stalePairs,
      missingPairs: pairs.filter((pair) => states[pair] === "missing"),
      isStale: stalePairs.length > 0,
      isLoading: !isIdle && pairs.some((pair) => !this.#asked.has(pair)),
      status: overallStatus({
        isIdle,
        hasError: this.#error !== null,
        isUnavailable: this.#isUnavailable(pairs),
        isStale: stalePairs.length > 0,
      }),
      error: this.#error,
      source: this.#source,
      serverTimeMs: serverNowMs,
      lastUpdate: newest(pairs.map((pair) => this.#heardAt[pair])),
      lastServerUpdate: newest(pairs.map((pair) => prices[pair]?.timestamp)),
    }
  }

  #isUnavailable(pairs) {
    return pairs.length > 0 && pairs.every((pair) => this.#missing.has(pair))
  }

  #takeAnswer(pairs, { records, missing, source, time }, monotonicMs) {
    if (time) this.#clock.set(time.serverTimeMs, time.requestedAtMs)
    const serverNowMs = this.#clock.now(monotonicMs)
    const merged = { ...this.#records }
    const named = new Set(missing)
    for (const pair of pairs.filter((pair) => this.#wanted.has(pair))) {
      const record = records[pair]
      if (!record || named.has(pair)) this.#missing.add(pair)
      else this.#missing.delete(pair)
      if (!this.#missing.has(pair)) this.#heardAt[pair] = serverNowMs
      if (record && !isSameRecord(record, merged[pair]) && !this.#isOlder(record, merged[pair], serverNowMs)) {
        merged[pair] = record
      }
    }
    this.#records = Object.freeze(merged)
    this.#source = source ?? this.#source
    this.#error = null
  }

  #takeFailure({ error, source }, isOnline) {
    this.#source = source ?? this.#source
    const hasPrices = Object.keys(this.#records).length > 0
    const isCertain = error.isLasting || !isOnline || !hasPrices || this.#error !== null
    if (!isCertain && this.#failures + 1 < FAILURES_BEFORE_ERROR) return
    const message = isOnline ? error.message : "This browser is offline."
    this.#error = Object.freeze({ kind: error.kind, message })
  }

  /** One node may lag behind another. A held record that is stale, or of the future, holds nothing up. */
  #isOlder(record, held, serverNowMs) {
    if (!held || record.timestamp >= held.timestamp || serverNowMs === null) return false
    return held.timestamp <= serverNowMs && ageMs(held, serverNowMs) <= this.#staleThresholdMs
  }
}

/** Return whether a listener who knows `before` learns something from `after`. */
export function differs(before, after) {
  return (
    !before ||
    ["status", "isLoading", "source", "error"].some((name) => before[name] !== after[name]) ||
    after.pairs.some((pair) => before.states[pair] !== after.states[pair] || before.prices[pair] !== after.prices[pair])
  )
}

function pick(records, pairs) {
  return Object.fromEntries(pairs.filter((pair) => records[pair]).map((pair) => [pair, records[pair]]))
}

function newest(instants) {
  const known = instants.filter(Number.isFinite)
  return known.length ? Math.max(...known) : null
}

const STATUS = Object.freeze({
  idle: "idle",
  polling: "polling",
  stale: "stale",
  unavailable: "unavailable",
  error: "error",
})

const PAIR_STATE = Object.freeze({ live: "live", stale: "stale", missing: "missing" })

/**
 * The server's clock, counted on with the browser's monotonic one.
 *
 * An answer's time is taken as that of its request's start: a price may look older than it is by the time that the
 * request took, but never fresher. The browser's own date is not asked.
 */
class ServerClock {
  #serverTimeMs = null
  #monotonicMs = 0

  /** `serverTimeMs` is X-Market-Data-Time plus Age, `requestedAtMs` the monotonic instant of the request. */
  set(serverTimeMs, requestedAtMs) {
    this.#serverTimeMs = serverTimeMs
    this.#monotonicMs = requestedAtMs
  }

  /** Return the server's time in Unix ms, or null where no answer has told it yet. */
  now(monotonicMs) {
    return this.#serverTimeMs === null ? null : this.#serverTimeMs + (monotonicMs - this.#monotonicMs)
  }
}

/**
 * Return how old a price is at `serverNowMs`, infinite where the time is unknown. What seems to come from the future,
 * after the server's clock was set back, is no fresher for it.
 */
export function ageMs(record, serverNowMs) {
  return serverNowMs === null ? Infinity : Math.abs(serverNowMs - record.timestamp)
}

/** Return whether a price is live, stale (old, or the last one known), or missing. */
export function pairState(record, { isMissing, serverNowMs, staleThresholdMs }) {
  if (!record) return PAIR_STATE.missing
  const isOld = isMissing || record.stale || ageMs(record, serverNowMs) > staleThresholdMs
  return isOld ? PAIR_STATE.stale : PAIR_STATE.live
}

/** Return the state of the whole: error before unavailable before stale before live. */
export function overallStatus({ isIdle, hasError, isUnavailable, isStale }) {
  if (isIdle) return STATUS.idle
  if (hasError) return STATUS.error
  if (isUnavailable) return STATUS.unavailable
  return isStale ? STATUS.stale : STATUS.polling
}
