// fastify with ioredis: one MGET, the records joined without being parsed.
import { createRequire } from "node:module"

const require = createRequire(process.env.BENCH_NODE_MODULES)
const { Redis } = require("ioredis")
const store = new Redis(process.env.REDIS_URL)
const server = require("fastify")()

server.get("/api/market-data/prices", async (request, reply) => {
  const names = request.query.pairs.split(",")
  const values = await store.mget(names.map((name) => `market_data:${name}`))
  const records = names.flatMap((name, index) => (values[index] === null ? [] : [`"${name}":${values[index]}`]))
  reply.header("content-type", "application/json")
  return `{${records.join(",")}}`
})

await server.listen({ host: "127.0.0.1", port: Number(process.argv[2]) })
