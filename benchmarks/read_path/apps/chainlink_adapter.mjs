// Chainlink's external-adapter framework: one endpoint, whose HTTP transport keeps the pairs that were asked for warm.
import { createRequire } from "node:module"

const require = createRequire(process.env.BENCH_NODE_MODULES)
const { expose } = require("@chainlink/external-adapter-framework")
const adapter = require("@chainlink/external-adapter-framework/adapter")
const { HttpTransport } = require("@chainlink/external-adapter-framework/transports")
const { InputParameters } = require("@chainlink/external-adapter-framework/validation")

const transport = new HttpTransport({
  prepareRequests: (params) => ({ params, request: { url: process.env.BENCH_SOURCE } }),
  parseResponse: (params, response) =>
    params.map(({ base, quote }) => {
      const record = response.data[`${base}/${quote}`]
      return { params: { base, quote }, response: { result: record.price, data: record } }
    }),
})
const inputParameters = new InputParameters(adapter.priceEndpointInputParametersDefinition)
const price = new adapter.PriceEndpoint({ name: "price", transport, inputParameters })

await expose(new adapter.Adapter({ name: "BENCHMARK", defaultEndpoint: "price", endpoints: [price] }))
