/** What the page says in words: the same tables and sentences as in `dashboard/presentation.py`. Pure. */

export const STATUS_WORDS = { idle: "Idle", polling: "Live", stale: "Stale", unavailable: "Unavailable", error: "Error" }
export const STATE_WORDS = { live: "Live", stale: "Stale", missing: "Missing" }
export const ARROWS = { up: "▲", down: "▼", flat: "", none: "" }

/** What the arrow and the colour say, for those who see neither. */
export const DIRECTION_WORDS = {
  up: "Up in 24 hours:",
  down: "Down in 24 hours:",
  flat: "Unchanged in 24 hours:",
  none: "Change in 24 hours:",
}

const STATE_NOTES = { live: "Received", stale: "Last known price", missing: "Temporarily unavailable" }
const OUTCOME_NOTES = { unknown_symbol: "Not listed by the exchange", not_trading: "Not trading at the exchange" }

/** Return what is said about a pair; `outcome` is that of its last refresh, where it is known. */
export function pairNote(state, outcome) {
  return (state !== "live" && OUTCOME_NOTES[outcome]) || STATE_NOTES[state]
}

/** Return what an exchange is called beside its price; `isNew` where another one gave the price before. */
export function exchangeText(name, isNew) {
  if (!name) return ""
  const title = name[0].toUpperCase() + name.slice(1)
  return isNew ? `now from ${title}` : title
}

/** Return one sentence for the state as a whole, of a snapshot of the poller. */
export function summary({ status, error, pairs, stalePairs, missingPairs }) {
  if (status === "idle") return "No pairs are configured."
  const kept = stalePairs.length ? " The last known ones are shown." : ""
  if (status === "error") return `${error.message} Trying again.`
  if (status === "unavailable") return `Prices are temporarily unavailable.${kept}`
  const live = pairs.length - stalePairs.length - missingPairs.length
  const parts = [`${live} of ${pairs.length} prices current`]
  if (stalePairs.length) parts.push(`${stalePairs.length} stale`)
  if (missingPairs.length) parts.push(`${missingPairs.length} missing`)
  return `${parts.join(", ")}.`
}

/** Return when the last answer with prices came, a server time in Unix ms, as `Updated 14:03:22 UTC`. */
export function updatedAt(serverTimeMs) {
  return serverTimeMs === null ? "" : `Updated ${new Date(serverTimeMs).toISOString().slice(11, 19)} UTC`
}

/** Return how many pairs a search has found, or an empty text where nothing is searched. */
export function foundText(search, found, all) {
  if (!search) return ""
  return found ? `${found} of ${all} pairs found.` : `None of ${all} pairs found.`
}

/** Return whether a price needs smaller letters to fit a card. */
export function isLong(text) {
  return text.length > 13
}
