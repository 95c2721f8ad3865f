"""What the arguments of a system of backend "endpoint" mean, each checked before any request is sent."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from django.conf import settings

from generation.backends import PermanentBackendError
from generation.backends.transport import Transport
from generation.systems import Scalar, SystemSpec

_BODY = "body_"
_SENT = {
    "openai": ("model", "prompt", "size", "n"),
    "json": ("model", "prompt", "seed", "width", "height", "steps"),
}
_LOCAL = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Hosting:
    url: httpx2.URL
    format: str
    body: dict[str, Scalar]
    transport: Transport
    image_field: str
    requests_per_minute: float | None
    timeout_seconds: float
    cost_per_image: float | None
    currency: str

    @classmethod
    def of(cls, spec: SystemSpec) -> Hosting:
        _refuse_unused(spec)
        given: dict[str, Any] = {name: value for name, value in spec.arguments.items() if not name.startswith(_BODY)}
        _check(spec, given)
        url = _url(spec, given["base_url"])
        form = given.get("format", "openai")
        if form == "openai":
            url = url.copy_with(path=url.path.rstrip("/") + "/images/generations")
        seconds, per_minute = given.get("timeout_seconds", 120), given.get("requests_per_minute")
        return cls(
            url=url,
            format=form,
            body=_body(spec, form),
            transport=Transport(spec.slug, url.host, seconds, per_minute, _key(spec, given.get("key"), url)),
            image_field=given.get("image_field", "image"),
            requests_per_minute=per_minute,
            timeout_seconds=seconds,
            cost_per_image=given.get("cost_per_image"),
            currency=given.get("currency", "USD"),
        )


def _refuse_unused(spec: SystemSpec) -> None:
    for key in ("pipeline", "revision", "variant", "unet", "vae", "guidance_scale", "scheduler"):
        value = getattr(spec, key)
        if value is not None and value != {}:
            shown = dict(value) if isinstance(value, Mapping) else value
            raise PermanentBackendError(
                f"{spec.slug}: {key} is {shown!r}, but backend 'endpoint' has no use for it; leave it out, "
                f"or send it as an argument {_BODY}...."
            )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TEXT = "a text that is not empty"
_ABOVE_0 = "a number above 0"
_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "base_url": (_is_text, "the API's address, with http:// or https://"),
    "format": (lambda value: value in _SENT, " or ".join(map(repr, _SENT))),
    "key": (_is_text, "the name of an environment variable that ENDPOINT_KEYS lists"),
    "image_field": (_is_text, _TEXT),
    "requests_per_minute": (lambda value: _is_number(value) and value > 0, _ABOVE_0),
    "timeout_seconds": (lambda value: _is_number(value) and value > 0, _ABOVE_0),
    "cost_per_image": (lambda value: _is_number(value) and value >= 0, "a number of at least 0"),
    "currency": (_is_text, _TEXT),
}


def _check(spec: SystemSpec, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if name not in _CHECKS:
            near = difflib.get_close_matches(name, _CHECKS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"what the API takes besides is named {_BODY}{name}."
            raise PermanentBackendError(f"{spec.slug}: backend 'endpoint' takes no argument {name!r}; {hint}")
        is_valid, allowed = _CHECKS[name]
        if not is_valid(value):
            raise PermanentBackendError(f"{spec.slug}: arguments.{name} is {value!r}; allowed: {allowed}.")
    if "base_url" not in given:
        raise PermanentBackendError(f"{spec.slug}: arguments.base_url is missing; allowed: {_CHECKS['base_url'][1]}.")


def _url(spec: SystemSpec, text: str) -> httpx2.URL:
    """A URL with a password is not repeated in the message, nor is it accepted: the study file is no place for it."""
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError):
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.fragment:
        shown = "not a usable URL" if "@" in text else repr(text)
        raise PermanentBackendError(
            f"{spec.slug}: arguments.base_url is {shown}; allowed: {_CHECKS['base_url'][1]}, "
            "without a user, a password or a fragment."
        )
    return url


def _body(spec: SystemSpec, form: str) -> dict[str, Scalar]:
    extra = {name.removeprefix(_BODY): value for name, value in spec.arguments.items() if name.startswith(_BODY)}
    for name in extra:
        if not name or name in _SENT[form]:
            raise PermanentBackendError(
                f"{spec.slug}: arguments has {_BODY + name!r}, but Evalsite sets "
                f"{', '.join(_SENT[form])} of the request itself; leave it out."
            )
    return extra


def _key(spec: SystemSpec, name: str | None, url: httpx2.URL) -> str:
    """The key's value, if it may be sent to that host. No message holds it."""
    if name is None:
        return ""
    keys: Mapping[str, tuple[str, str]] = settings.ENDPOINT_KEYS
    start = f"{spec.slug}: arguments.key is {name!r}, but"
    if name not in keys:
        raise PermanentBackendError(
            f"{start} ENDPOINT_KEYS does not list it; set ENDPOINT_KEYS={name}@{url.host} for the worker, "
            "if its value may be sent there."
        )
    host, value = keys[name]
    if host not in (url.host, url.netloc.decode("ascii")):
        raise PermanentBackendError(f"{start} ENDPOINT_KEYS keeps it for {host}, and base_url is at {url.host}.")
    if url.scheme != "https" and url.host not in _LOCAL:
        raise PermanentBackendError(f"{start} base_url is not https, so others could read the key on its way.")
    return value
