import { readFileSync } from "node:fs"

/** What the page writes, as `tests/unit/test_presentation.py` holds the server to it. */
export const CASES = JSON.parse(readFileSync(new URL("../unit/presentation_cases.json", import.meta.url), "utf8"))
