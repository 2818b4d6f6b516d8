/**
 * When the fetcher's next prices are due, learnt from those that came. No I/O; instants are the server's in Unix ms,
 * so that an answer's true age counts and neither clock of the browser.
 *
 * A round of prices is new when all of them are newer than the newest before. The interval is the median of the last
 * distances between rounds, so that one late fetch changes nothing. The margin after an expected fetch shrinks while
 * prices are there in time and grows when they are not: it allows for the fetch's duration, and for two servers whose
 * clocks disagree.
 */

const REMEMBERED_ROUNDS = 5
const LONGEST_INTERVAL_MS = 60_000
const UNKNOWN_INTERVAL_MS = 10_000 // the longest that a fetcher may have
const FIRST_MARGIN_MS = 80
const EARLIER_MS = 8
const LATER_MS = 60
const RETRY_MS = 250
const ROUNDS_PER_PROBE = 8
const LONGEST_WAIT = 2.5 // in poll intervals

export class FetchRhythm {
  #intervals
  #newestMs = null
  #expectedMs = null // when the newest round was to be received: of a punctual fetch the same as its timestamp
  #readAtMs = null
  #marginMs = FIRST_MARGIN_MS
  #misses = 0
  #surprises = 0 // rounds in a row that came at quite another time
  #waits = 0

  /** `fetchIntervalMs` is what the page knows of the fetcher, or null; it is believed until something else is seen. */
  constructor(fetchIntervalMs = null) {
    this.#intervals = fetchIntervalMs > 0 ? [fetchIntervalMs] : []
  }

  /** The distance between two rounds, or null while it is not known. */
  get intervalMs() {
    const sorted = this.#intervals.toSorted((one, other) => one - other)
    return sorted.length ? sorted[Math.floor((sorted.length - 1) / 2)] : null
  }

  /** Whether a round that was due has not been there, so that it is asked for once more soon. */
  get isRetrying() {
    return this.#misses === 1
  }

  /** Take in the `timestamps` of the prices that an answer had, which was read at `nowMs`. */
  note(timestamps, nowMs) {
    const newest = this.#newestRound(timestamps, nowMs)
    if (newest === null) this.#noteMiss(nowMs)
    else this.#noteRound(newest, nowMs)
    this.#readAtMs = nowMs
  }

  /**
   * Return how long to wait so that the next round is just there, or null where its time is not known.
   *
   * Now and then it is half of that, for a fetcher that has become faster would not be noticed otherwise.
   */
  delayMs(nowMs, pollIntervalMs) {
    const dueMs = this.#dueMs
    if (dueMs === null) return null
    if (dueMs <= nowMs) return this.isRetrying ? RETRY_MS : null
    const waitMs = dueMs - nowMs
    const isProbe = waitMs > LONGEST_WAIT * pollIntervalMs || ++this.#waits % ROUNDS_PER_PROBE === 0
    return isProbe ? waitMs / 2 : waitMs
  }

  get #dueMs() {
    const { intervalMs } = this
    return intervalMs === null || this.#expectedMs === null ? null : this.#expectedMs + intervalMs + this.#marginMs
  }

  /** A pair that is not fetched any more would hide every round: only prices of about one interval count. */
  #newestRound(timestamps, nowMs) {
    const past = timestamps.filter((instant) => instant <= nowMs + LATER_MS)
    if (!past.length) return null
    const newest = Math.max(...past)
    const windowMs = 1.5 * (this.intervalMs ?? UNKNOWN_INTERVAL_MS)
    const oldest = Math.min(...past.filter((instant) => instant > newest - windowMs))
    return this.#newestMs === null || oldest > this.#newestMs ? newest : null
  }

  #noteMiss(nowMs) {
    if (this.#dueMs === null || nowMs < this.#dueMs) return
    if (this.#misses++ === 0) this.#marginMs = Math.min(this.#marginMs + LATER_MS, this.intervalMs / 2)
  }

  #noteRound(newestMs, nowMs) {
    const isInTime = this.#dueMs !== null && nowMs >= this.#dueMs && this.#misses === 0
    if (isInTime) this.#marginMs = Math.max(this.#marginMs - EARLIER_MS, -this.intervalMs / 2)
    if (this.#newestMs !== null) this.#learn(newestMs - this.#newestMs, nowMs - this.#readAtMs)
    this.#expectedMs = this.#expectation(newestMs)
    this.#newestMs = newestMs
    this.#misses = 0
  }

  /** Rounds between two readings go unseen: a distance counts if a reading fell into it, or if it is no longer. */
  #learn(distanceMs, sinceLastReadingMs) {
    const isObserved = sinceLastReadingMs <= 0.75 * distanceMs || distanceMs <= 1.2 * this.intervalMs
    if (!isObserved || distanceMs > LONGEST_INTERVAL_MS) return
    this.#intervals = [...this.#intervals, distanceMs].slice(-REMEMBERED_ROUNDS)
  }

  /**
   * Half of what a fetch is late or early is taken for chance. One that is far off is taken for an exception; after
   * a second one in a row the fetcher has another phase.
   */
  #expectation(newestMs) {
    const { intervalMs } = this
    if (intervalMs === null || this.#expectedMs === null) return newestMs
    const rounds = Math.round((newestMs - this.#expectedMs) / intervalMs)
    const expectedMs = this.#expectedMs + rounds * intervalMs
    const deviationMs = newestMs - expectedMs
    this.#surprises = Math.abs(deviationMs) < intervalMs / 4 ? 0 : this.#surprises + 1
    if (this.#surprises === 0) return expectedMs + deviationMs / 2
    if (this.#surprises > 1) return newestMs
    return deviationMs > 0 ? expectedMs : expectedMs - intervalMs
  }
}
