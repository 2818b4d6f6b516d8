"""FastAPI with redis.asyncio: one MGET, the records joined without being parsed."""

import os

import orjson
import redis.asyncio
from fastapi import FastAPI, Response

application = FastAPI()
store = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])


@application.get("/api/market-data/prices")
async def prices(pairs: str) -> Response:
    names = pairs.split(",")
    values = await store.mget(["market_data:" + name for name in names])
    found = {name: orjson.Fragment(raw) for name, raw in zip(names, values, strict=True) if raw is not None}
    return Response(orjson.dumps(found), media_type="application/json")
