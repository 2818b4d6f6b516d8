/** Figures, against the table of cases that the server's rules are held to. */

import assert from "node:assert/strict"
import { describe, test } from "node:test"

import * as format from "../../market_data/static/market_data/number-format.js"
import { CASES } from "./cases.js"

const LOCALE = "en-US"

for (const [table, write] of [
  ["price", format.formatPrice],
  ["change", format.formatChange],
  ["compact", format.formatCompact],
  ["age", format.formatAge],
]) {
  describe(`${write.name} writes as the server does`, () => {
    for (const [given, expected] of CASES[table]) {
      test(`${given} as ${expected}`, () => assert.equal(write(given, LOCALE), expected))
    }
  })
}

describe("the direction of a change is the server's", () => {
  for (const [given, , direction] of CASES.change) {
    test(`${given} is ${direction}`, () => assert.equal(format.changeDirection(given), direction))
  }
})

describe("the last price stands where the server puts it", () => {
  for (const [price, low, high, position] of CASES.range) {
    test(`${price} between ${low} and ${high}`, () => {
      assert.equal(format.rangePosition(price, low, high), position)
    })
  }
})

test("separators and numerals are those of the viewer's locale", () => {
  assert.equal(format.formatPrice("1082448588.00", "de-DE"), "1.082.448.588,00")
  assert.equal(format.formatPrice("1082448588.00", "hi-IN"), "1,08,24,48,588.00")
  assert.equal(format.formatPrice("43250.00", "ar-EG"), "٤٣٬٢٥٠٫٠٠")
})
