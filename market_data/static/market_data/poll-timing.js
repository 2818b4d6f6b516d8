/** When the next request may be sent. No I/O; durations are milliseconds. */

export const MAX_BACKOFF_MS = 15_000
const MAX_RETRY_AFTER_MS = 300_000

const MARGIN_MS = 150 // from a price's receipt into the API's answer, and for a fetch that takes longer than the last
const SPREAD_MS = 200 // so that many readers do not ask at the same instant
const RETRY_MS = 400 // until prices that are late are asked for once more

/**
 * Return how long to wait after the `failures`-th failure in a row: the interval, doubled each time up to the cap,
 * less a random quarter, so that many readers of one server do not return together.
 */
export function backoffMs(failures, intervalMs, random) {
  const longest = Math.max(intervalMs, MAX_BACKOFF_MS)
  const full = Math.min(longest, intervalMs * 2 ** Math.min(failures - 1, 20))
  return Math.round(full * (1 - random() / 4))
}

/**
 * Return how long to wait, from `nowMs` on, for the fetcher's next prices: every price comes anew after one interval.
 *
 * `timestamps` are those of the prices at hand; instants are the server's in Unix ms. Where some prices are due soon and
 * others in a whole interval, the last answer fell into the middle of a fetch, and the rest of it is waited for.
 */
export function untilNextPricesMs(timestamps, nowMs, fetchIntervalMs, random) {
  const waits = timestamps
    .map((receivedAtMs) => receivedAtMs + fetchIntervalMs + MARGIN_MS - nowMs)
    .filter((waitMs) => waitMs > 0 && waitMs < 1.5 * fetchIntervalMs) // not overdue, and not by a clock that is ahead
  if (waits.length === 0) return RETRY_MS
  const soon = waits.filter((waitMs) => waitMs < fetchIntervalMs / 2)
  return Math.max(...(soon.length ? soon : waits)) + SPREAD_MS * random()
}

/** Return what a Retry-After header asks for, in seconds or as a date, or null where it says nothing. */
export function retryAfterMs(headers) {
  const text = headers.get("Retry-After")?.trim()
  if (!text) return null
  const waitMs = /^\d+$/.test(text)
    ? Number(text) * 1000
    : Date.parse(text) - Date.parse(headers.get("Date"))
  return waitMs >= 0 ? Math.min(waitMs, MAX_RETRY_AFTER_MS) : null
}

/**
 * How often may be asked: once an interval on average, with one request ahead of its time at most.
 *
 * What is not spent is lost, so that a long wait is followed by no burst.
 */
export class PollBudget {
  #paidUntilMs = -Infinity

  /** Count a request that starts at `nowMs`. */
  spend(nowMs, intervalMs) {
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs) + intervalMs
  }

  /** Return how long the next request has to wait, seen at `nowMs`; zero or less where it may be sent. */
  waitMs(nowMs, intervalMs) {
    return this.#paidUntilMs - intervalMs - nowMs
  }
}
