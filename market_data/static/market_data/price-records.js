/** Reading of the price endpoint's JSON without losing a digit. Pure. */

const FIGURES = ["price", "volume", "change24h", "high24h", "low24h"]

// A quote inside a JSON string is escaped, so that `"price":` can only be the name of a field.
const FIGURE = new RegExp(`("(?:${FIGURES.join("|")})"\\s*:\\s*)(-?\\d[\\d.eE+-]*)`, "g")

/**
 * Return an object pair → record. A record has the endpoint's fields as numbers and, in `text`, its figures in the
 * digits that were sent. What is no usable record is left out; text that is no JSON object throws a SyntaxError.
 */
export function parsePriceRecords(json) {
  const body = JSON.parse(json.replace(FIGURE, '$1"$2"'))
  if (!isObject(body)) throw new SyntaxError("The answer is no JSON object.")
  const records = {}
  for (const [pair, fields] of Object.entries(body)) {
    const record = isObject(fields) ? readRecord(pair, fields) : null
    if (record) records[pair] = record
  }
  return records
}

/** Return whether two records say the same; a price that was received at another instant does not. */
export function isSameRecord(one, other) {
  return (
    one === other ||
    (one?.timestamp === other?.timestamp &&
      one?.stale === other?.stale &&
      one?.exchange === other?.exchange &&
      FIGURES.every((name) => one?.text[name] === other?.text[name]))
  )
}

function readRecord(pair, fields) {
  const { timestamp, stale, exchange } = fields
  const record = { pair, timestamp, stale: stale === true, exchange: exchange || null, text: {} }
  for (const name of FIGURES) {
    const text = typeof fields[name] === "string" ? fields[name] : null
    record.text[name] = text
    record[name] = text === null ? null : Number(text)
  }
  return Number.isFinite(record.timestamp) && record.price > 0 && Number.isFinite(record.price)
    ? Object.freeze(record)
    : null
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
