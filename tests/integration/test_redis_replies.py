"""Replies of a real server under the bounds that the site puts on them, and one that trickles in."""

import socket
import threading
import time

import pytest
import redis

from nexusmeme.redis_cache import redis_cache
from nexusmeme.redis_replies import MAX_VALUE_BYTES, REPLY_SECONDS, BoundedReplyParser


@pytest.fixture
def bounded(redis_server, redis_client):
    pool = redis_cache(redis_server.url)["OPTIONS"]["CONNECTION_POOL_KWARGS"]
    with redis.Redis.from_url(redis_server.url, **{**pool, "retry": None}) as client:
        client.connection_pool.connection_kwargs["parser_class"] = BoundedReplyParser
        yield client


@pytest.mark.parametrize("excess", [1, 2, 100_000, 20_000_000])
def test_an_overlong_value_is_read_as_an_empty_one_between_others_that_are_whole(bounded, excess):
    whole = b"x" * MAX_VALUE_BYTES
    bounded.mset({"one": b"1\r\n", "overlong": whole + b"y" * excess, "three": whole})

    for _ in range(2):
        assert bounded.mget("one", "overlong", "absent", "three") == [b"1\r\n", b"", None, whole]
    assert bounded.ping()


def test_a_reply_that_trickles_in_ends_in_a_time_out():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=trickle, args=(listener,), daemon=True).start()
        client = redis.Redis(
            host="127.0.0.1",
            port=listener.getsockname()[1],
            socket_timeout=0.5,
            protocol=2,
            driver_info=None,
            retry=None,
        )
        client.connection_pool.connection_kwargs["parser_class"] = BoundedReplyParser
        began = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            client.get("anything")
        assert time.monotonic() - began < REPLY_SECONDS + 1
        client.close()


def trickle(listener):
    connection, _ = listener.accept()
    is_over = threading.Event()
    with connection:
        for byte in b"$1000\r\n" + b"x" * 1000:
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                return
            is_over.wait(0.05)
