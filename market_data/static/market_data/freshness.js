/** Ages, and the states that follow from them. Pure: every instant is given. */

export const STATUS = Object.freeze({
  idle: "idle",
  polling: "polling",
  stale: "stale",
  unavailable: "unavailable",
  error: "error",
})

export const PAIR_STATE = Object.freeze({ live: "live", stale: "stale", missing: "missing" })

/**
 * The server's clock, counted on with the browser's monotonic one.
 *
 * An answer's time is taken as that of its request's start: a price may look older than it is by the time that the
 * request took, but never fresher. The browser's own date is not asked.
 */
export class ServerClock {
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
