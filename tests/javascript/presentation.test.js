/** Words and sentences, against the table of cases that the server's rules are held to. */

import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { exchangeText, pairNote, summary } from "../../market_data/static/market_data/presentation.js"
import { CASES } from "./cases.js"

describe("a state is told in the server's words", () => {
  for (const [status, live, stale, missing, sentence] of CASES.summary) {
    test(`${status}: ${live} live, ${stale} stale, ${missing} missing`, () => {
      const pairs = (count) => Array(count).fill("P")
      const snapshot = {
        status,
        pairs: pairs(live + stale + missing),
        stalePairs: pairs(stale),
        missingPairs: pairs(missing),
      }
      assert.equal(summary(snapshot), sentence)
    })
  }
})

describe("a pair's note is the server's", () => {
  for (const [state, outcome, note] of CASES.note) {
    test(`${state}, ${outcome}`, () => assert.equal(pairNote(state, outcome), note))
  }
})

test("an exchange is named beside its price, and told where it has just begun to give it", () => {
  const told = [exchangeText("kraken", false), exchangeText("kraken", true), exchangeText(null, true), exchangeText("")]
  assert.deepEqual(told, ["Kraken", "now from Kraken", "", ""])
})
