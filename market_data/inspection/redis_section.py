"""What is said of the Redis server: from its `INFO`, or that it cannot be reached. Pure."""

from collections.abc import Mapping
from typing import Any

from market_data.inspection.facts import Fact, Section, plain
from market_data.inspection.words import bytes_text, duration_text

_EVICTING = ("allkeys", "volatile")


def redis_section(address: str, server: Mapping[str, Any]) -> Section:
    """Return the facts about a server that answers; those that it does not tell are absent."""
    facts = [plain("address", "Address", address), Fact("isReachable", "Reachable", True, "yes")]
    version = server.get("valkey_version") or server.get("redis_version")
    if version is None:
        return Section("redis", "Redis", [*facts, plain("version", "Version", None)])
    name = "Valkey" if "valkey_version" in server else "Redis"
    policy, limit = str(server.get("maxmemory_policy", "")), _number(server, "maxmemory")
    evicted = _number(server, "evicted_keys")
    uptime_ms = _number(server, "uptime_in_seconds") * 1000
    facts += [
        Fact("version", "Version", str(version), f"{name} {version}"),
        plain("role", "Role", str(server.get("role", ""))),
        Fact("uptimeMs", "Running for", uptime_ms, duration_text(uptime_ms)),
        Fact("usedMemoryBytes", "Memory in use", _number(server, "used_memory"), _memory(server, "used_memory")),
        Fact("maxMemoryBytes", "Memory limit", limit, bytes_text(limit) if limit else "none"),
        plain("maxMemoryPolicy", "At the limit", policy, is_trouble=bool(limit) and policy.startswith(_EVICTING)),
        plain("evictedKeys", "Keys evicted so far", evicted, is_trouble=evicted > 0),
        plain("connectedClients", "Clients", _number(server, "connected_clients")),
    ]
    return Section("redis", "Redis", facts)


def unreachable_redis_section(address: str | None, reason: str) -> Section:
    """Return the facts about a server that does not answer."""
    return Section(
        "redis",
        "Redis",
        [
            plain("address", "Address", address),
            Fact("isReachable", "Reachable", False, "no", is_trouble=True),
            plain("error", "Reason", reason, is_trouble=True),
        ],
    )


def _number(server: Mapping[str, Any], name: str) -> int:
    value = server.get(name, 0)
    return value if isinstance(value, int) else 0


def _memory(server: Mapping[str, Any], name: str) -> str:
    return bytes_text(_number(server, name))
