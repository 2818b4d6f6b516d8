import assert from "node:assert/strict"
import { describe, test } from "node:test"

import {
  NO_CHOICE,
  inOrder,
  isFound,
  nextSort,
  readChoice,
  usable,
  writeChoice,
} from "../../market_data/static/market_data/list-choice.js"

const CARDS = [
  { pair: "BTC/USDT", record: { price: 43_250, change24h: 2.5, volume: 28_500 } },
  { pair: "ETH/USDT", record: { price: 2301, change24h: -1.2, volume: 412_333 } },
  { pair: "SHIB/USDT", record: { price: 0.00001234, change24h: 0, volume: 1_082_448_588 } },
  { pair: "NEW/USDT", record: null },
]
const NO_FAVOURITES = new Set()

const order = (sort, favourites = NO_FAVOURITES) =>
  inOrder(CARDS, { sort }, favourites).map(({ pair }) => pair.split("/")[0])

describe("a search finds a pair however it is written", () => {
  for (const words of ["eth", "ETHUSDT", "eth/u", "ETH usdt", "eth-usdt", ""]) {
    test(`"${words}"`, () => assert.equal(isFound("ETH/USDT", words), true))
  }
  test("and no other", () => assert.equal(isFound("ETH/USDT", "ethbtc"), false))
})

describe("pairs are put in order", () => {
  test("of their names", () => {
    assert.deepEqual(order({ by: "name", isAscending: true }), ["BTC", "ETH", "NEW", "SHIB"])
    assert.deepEqual(order({ by: "name", isAscending: false }), ["SHIB", "NEW", "ETH", "BTC"])
  })

  test("of their figures, and a pair without a price is last in either direction", () => {
    assert.deepEqual(order({ by: "price", isAscending: true }), ["SHIB", "ETH", "BTC", "NEW"])
    assert.deepEqual(order({ by: "price", isAscending: false }), ["BTC", "ETH", "SHIB", "NEW"])
    assert.deepEqual(order({ by: "change", isAscending: false }), ["BTC", "SHIB", "ETH", "NEW"])
    assert.deepEqual(order({ by: "volume", isAscending: false }), ["SHIB", "ETH", "BTC", "NEW"])
  })

  test("favourites come first in any", () => {
    assert.deepEqual(order(null, new Set(["SHIB/USDT"])), ["SHIB", "BTC", "ETH", "NEW"])
    assert.deepEqual(order({ by: "price", isAscending: false }, new Set(["NEW/USDT", "ETH/USDT"])), [
      "ETH", "NEW", "BTC", "SHIB",
    ])
  })
})

test("a column sorts in its natural direction, then the other, then not at all", () => {
  const first = nextSort(null, "price")
  const second = nextSort(first, "price")
  assert.deepEqual(first, { by: "price", isAscending: false })
  assert.deepEqual(second, { by: "price", isAscending: true })
  assert.equal(nextSort(second, "price"), null)
  assert.deepEqual(nextSort(second, "name"), { by: "name", isAscending: true })
})

describe("the address", () => {
  const CHOICE = { search: "eth/u", sort: { by: "change", isAscending: false }, view: "table" }

  test("tells a choice and keeps what else it has", () => {
    const query = writeChoice("?other=kept&q=old", CHOICE)
    assert.equal(query, "?other=kept&q=eth/u&sort=-change&view=table")
    assert.deepEqual(readChoice(query), CHOICE)
  })

  test("says nothing where nothing was chosen", () => {
    assert.equal(writeChoice("?q=eth&sort=price&view=table", NO_CHOICE), "")
  })

  for (const query of ["sort=toString", "sort=--price", "view=chart", "sort=", "sort=price;drop", "view=%00"]) {
    test(`is ignored where it has nonsense: ${query}`, () => assert.deepEqual(readChoice(`?${query}`), {}))
  }

  test("is read even where it is no valid UTF-8, and no further than a search is long", () => {
    assert.deepEqual(readChoice("?q=%zz%ff"), { search: "%zz\ufffd" })
    assert.equal(readChoice(`?q=${"x".repeat(100)}`).search.length, 40)
  })
})

describe("of what a browser has stored, nonsense is ignored", () => {
  for (const stored of [null, 7, "text", {}, { sort: 7, view: [], search: {} }, { sort: { by: "constructor" } }]) {
    test(JSON.stringify(stored), () => assert.deepEqual(usable(stored), {}))
  }
})
