import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { isSameRecord, parsePriceRecords } from "../../market_data/static/market_data/price-records.js"

test("no digit is lost between the answer and the record", () => {
  const body = `{"SHIB/USDT": {"pair":"SHIB/USDT", "price": 0.00001234, "volume":1082448588.00,
    "timestamp":1700000000000, "change24h":-0.100,"high24h":12345678901234567.12345678,"low24h":1E-8}}`
  const { text, price, timestamp, stale } = parsePriceRecords(body)["SHIB/USDT"]

  assert.deepEqual(text, {
    price: "0.00001234",
    volume: "1082448588.00",
    change24h: "-0.100",
    high24h: "12345678901234567.12345678",
    low24h: "1E-8",
  })
  assert.deepEqual([price, timestamp, stale], [0.00001234, 1_700_000_000_000, false])
})

test("a field that this script does not know does no harm", () => {
  const body = '{"A/B": {"pair":"A/B","price":5,"timestamp":1700000000000,"venue":"x","more":{"price":7}}}'
  assert.equal(parsePriceRecords(body)["A/B"].price, 5)
})

test("a record says which exchange gave it, or that nobody has told", () => {
  const record = (more) => parsePriceRecords(`{"A/B": {"pair":"A/B","price":5,"timestamp":1700000000000${more}}}`)["A/B"]

  assert.equal(record(',"exchange":"kraken"').exchange, "kraken")
  assert.equal(record("").exchange, null)
  assert.equal(isSameRecord(record(',"exchange":"kraken"'), record(',"exchange":"bitstamp"')), false)
})

describe("a record without a usable price or time is left out", () => {
  const TIME = '"timestamp":1700000000000'
  for (const record of [`{"price":null,${TIME}}`, `{"price":0,${TIME}}`, '{"price":5}', "7", "null", `{${TIME}}`]) {
    test(record, () => assert.deepEqual(parsePriceRecords(`{"A/B":${record}}`), {}))
  }
})
