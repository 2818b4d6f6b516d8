/**
 * The dashboard's script: it keeps each rendered component current, and shows its state in the tab.
 *
 * Import statements end with a semicolon, for Django finds them by it when it hashes the names of static files.
 */

import { configOf, keepCurrent } from "./live-component.js";
import { TabState } from "./tab-state.js";

const [navigation] = performance.getEntriesByType("navigation")

for (const root of document.querySelectorAll("[data-market-prices]")) {
  const config = configOf(root)
  const tab = config.tabIcons && new TabState(document, config.tabIcons)
  keepCurrent(root, config, navigation?.requestStart ?? 0, tab ? ({ status }) => tab.show(status) : undefined)
}
