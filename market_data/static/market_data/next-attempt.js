/** When the exchange is asked again, from what `health` says of the aggregator. Pure. */

const COUNTDOWN_SECONDS = 90

/**
 * Return the instant (Unix ms on the server's clock) before which the exchange is not asked, or null where nobody will
 * ask or nothing is known: of several reasons to wait the longest counts.
 */
export function nextAttemptAt({ circuitBreaker, rateLimit, exchange, backoff, lease } = {}) {
  if (lease?.isHeld === false) return null
  const instants = [circuitBreaker?.retryAt, rateLimit?.retryAt, exchange?.bannedUntil, backoff?.nextCycleAt]
  const known = instants.filter(Number.isFinite)
  return known.length ? Math.max(...known) : null
}

/** Return a sentence about `attemptAt`, seen at `serverNowMs`: a countdown, or for longer waits a local time. */
export function attemptSentence(attemptAt, serverNowMs) {
  if (attemptAt === null || serverNowMs === null) return ""
  const seconds = Math.ceil((attemptAt - serverNowMs) / 1000)
  if (seconds <= 0) return "The exchange is asked again now."
  if (seconds <= COUNTDOWN_SECONDS) return `The exchange is asked again in ${seconds} s.`
  const isToday = seconds < 43_200
  const time = new Date(attemptAt).toLocaleString(undefined, {
    dateStyle: isToday ? undefined : "medium",
    timeStyle: "medium",
  })
  return `The exchange is asked again at ${time}.`
}
