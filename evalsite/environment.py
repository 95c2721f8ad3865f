"""Environment variables, each read once by settings.py with a type, a default and a sentence for the reader.

`VARIABLES` is the whole list: docs/running-a-study.md documents every one, and a test compares the two.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

VARIABLES: dict[str, str] = {
    "DATA_DIR": "folder that holds all state: database, images, broker, keys (default: var/ beside manage.py)",
    "DATABASE_URL": "sqlite:///FILE or postgres://USER:PASSWORD@HOST/NAME (default: SQLite in DATA_DIR)",
    "CELERY_BROKER_URL": "redis://HOST/0, rediss:// or redis+socket://FILE (default: a socket in DATA_DIR)",
    "IMAGE_STORAGE": "s3://BUCKET/PREFIX, perhaps with ?endpoint_url=URL&region=NAME (default: images/ in DATA_DIR)",
    "SECRET_KEY": "signs cookies; made once into DATA_DIR for local use, required for a public host",
    "ALLOWED_HOSTS": "comma-separated host names that the site answers to (default: localhost,127.0.0.1,[::1])",
    "CSRF_TRUSTED_ORIGINS": "comma-separated origins with scheme, for a site behind a proxy (default: none)",
    "HTTPS": "on when the site is reached by https: secure cookies, redirect, HSTS (default: on for a public host)",
    "DEBUG": "on or off (default: off)",
    "JOB_LEASE_SECONDS": "an image job whose worker has been silent for this long is given to another (default: 90)",
    "GENERATION_BATCH_SIZE": "images rendered by one call of a model (default: 1, so that latency is one image's)",
    "MODEL_MEMORY_MB": "host memory for the models that a worker keeps loaded (default: half of the machine's)",
    "DISK_RESERVE_MB": "no images are made with less room on the disk than this, so that votes have it (default: 256)",
    "ENDPOINT_KEYS": "comma-separated NAME@host: the key in variable NAME is sent to that host only (default: none)",
    "ASSIGNMENT_LEASE_SECONDS": "time a rater has for one answer before the pair is offered to others (default: 600)",
}

SHORTEST_KEY = 50
HOST = re.compile(r"\*|\.?[\w.-]+|\[[\da-fA-F:.]+\]")
ORIGIN = re.compile(r"https?://([\w.*-]+|\[[\da-fA-F:.]+\])(:\d+)?")
_KEY_AND_HOST = re.compile(r"([A-Z][A-Z0-9_]*)@([a-z0-9][a-z0-9.-]*(?::\d+)?)")
_ON, _OFF = {"1", "on", "true", "yes"}, {"0", "off", "false", "no", ""}


def text(name: str, default: str) -> str:
    if name not in VARIABLES:
        raise KeyError(f"{name} is not documented in evalsite/environment.py")
    return os.environ.get(name, "").strip() or default


def words(name: str, default: str, form: re.Pattern[str]) -> list[str]:
    found = [word.strip() for word in text(name, default).split(",") if word.strip()]
    for word in found:
        if not form.fullmatch(word):
            raise ImproperlyConfigured(f"{name} holds {word!r}. Expected: {VARIABLES[name]}.")
    if default and not found:
        raise ImproperlyConfigured(f"{name} holds nothing. Expected: {VARIABLES[name]}.")
    return found


def switch(name: str, default: bool) -> bool:
    value = text(name, "on" if default else "off").lower()
    if value not in _ON | _OFF:
        raise ImproperlyConfigured(f"{name}={value!r}: allowed are on and off.")
    return value in _ON


def whole_number(name: str, default: int, minimum: int = 1, maximum: int = 7 * 24 * 3600) -> int:
    value = text(name, str(default))
    if not value.isdecimal() or not minimum <= int(value) <= maximum:
        raise ImproperlyConfigured(f"{name}={value!r}: a whole number from {minimum} to {maximum} is needed.")
    return int(value)


def half_of_memory_mb() -> int:
    """Half of what this machine, or the container that we are in, has."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (allowed := limit.read_text().strip()).isdecimal():
        total = min(total, int(allowed))
    return max(1, total // 2 // 2**20)


def folder(name: str, default: Path) -> Path:
    path = Path(text(name, str(default))).expanduser().resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{name}={path}: cannot be made or used ({error.strerror}).") from error
    return path


def url(name: str, default: str, parse: Callable[[str], object]) -> str:
    value = text(name, default)
    try:
        parse(value)
    except (ValueError, KeyError) as error:
        shown = re.sub(r"(?<=://)[^/]*@", "...@", value)  # a log is no place for a password
        raise ImproperlyConfigured(
            f"{name}={shown!r}: {str(error).rstrip('.')}. Expected: {VARIABLES[name]}."
        ) from None
    return value


def keys_of_hosts(name: str) -> dict[str, tuple[str, str]]:
    """The host and the value of each key, by the name of its variable. No message repeats what may be a key."""
    keys: dict[str, tuple[str, str]] = {}
    entries = [entry.strip() for entry in text(name, "").split(",") if entry.strip()]
    for number, entry in enumerate(entries, 1):
        match = _KEY_AND_HOST.fullmatch(entry)
        if match is None:
            raise ImproperlyConfigured(f"{name}: entry {number} is not NAME@host. Expected: {VARIABLES[name]}.")
        variable, host = match.groups()
        if variable in VARIABLES:
            raise ImproperlyConfigured(f"{name}: {variable} is a setting of the site and is never sent to {host}.")
        if variable in keys:
            raise ImproperlyConfigured(f"{name} lists {variable} twice: a key has one host.")
        value = os.environ.get(variable, "").strip()
        if not value or not (value.isascii() and value.isprintable()):
            raise ImproperlyConfigured(f"{name} lists {variable}, which is not set to one line of plain characters.")
        keys[variable] = (host, value)
    return keys


def secret_key(name: str, file: Path, *, may_generate: bool) -> str:
    """The key from the environment, else the one in `file`, made on first use where that is safe."""
    value = text(name, "")
    if value and not may_generate and len(value) < SHORTEST_KEY:
        raise ImproperlyConfigured(f"{name} has {len(value)} characters: a public site needs {SHORTEST_KEY} or more.")
    if value:
        return value
    if not may_generate:
        raise ImproperlyConfigured(
            f"{name} is not set: a site with public ALLOWED_HOSTS and DEBUG off needs its own. "
            'Make one with: python -c "import secrets; print(secrets.token_urlsafe(64))"'
        )
    if not file.exists():
        fresh = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(64))
        with suppress(FileExistsError):
            os.link(fresh, file)  # whole or not at all, also when two processes start together
        fresh.unlink()
    return file.read_text()
