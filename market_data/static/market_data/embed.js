/**
 * For other pages: keeps components current that the template tag has rendered, and defines `<market-prices>`.
 *
 *     <script type="module" src="/static/market_data/embed.js"></script>
 *     <market-prices pairs="BTC/USDT,ETH/USDT"></market-prices>
 */

import { keepRenderedCurrent } from "./live-component.js";
import { MarketPricesElement } from "./market-prices-element.js";

keepRenderedCurrent()
if (!customElements.get("market-prices")) customElements.define("market-prices", MarketPricesElement)
