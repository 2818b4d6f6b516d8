"""What a web server's workers hold: memory by the kernel's own account, and connections to Redis."""

import re
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis

_KIB = re.compile(r"^(Rss|Pss):\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True)
class WorkerMemory:
    """MiB of one worker: resident, and its proportional share of pages that it shares with others."""

    rss_mib: float
    pss_mib: float


def workers_of(master_pid: int) -> list[int]:
    """Return the process ids of the workers that serve, without the master and what helps it to start them."""
    children = psutil.Process(master_pid).children(recursive=True)
    return [child.pid for child in children if "resource_tracker" not in " ".join(child.cmdline())]


def memory_of(pid: int) -> WorkerMemory:
    """Return what `/proc/PID/smaps_rollup` says (Linux 4.14 and later)."""
    found = {name: int(kib) / 1024 for name, kib in _KIB.findall(Path(f"/proc/{pid}/smaps_rollup").read_text())}
    return WorkerMemory(round(found["Rss"], 1), round(found["Pss"], 1))


def redis_connections_of(pids: list[int], redis_url: str) -> int:
    """Return how many clients that `CLIENT LIST` names are connections of these processes."""
    ports = {
        connection.laddr.port for pid in pids for connection in psutil.Process(pid).net_connections("tcp")
    }  # a connection's own port is what Redis calls the port of its client
    with redis.Redis.from_url(redis_url) as client:
        return sum(int(entry["addr"].rpartition(":")[2]) in ports for entry in client.client_list())
