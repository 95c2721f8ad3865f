"""A hosted API: pictures are asked for over HTTP, and nothing is loaded here."""

from __future__ import annotations

import base64
import binascii
import io
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
from PIL import Image, ImageFile, UnidentifiedImageError

from generation.backends import PermanentBackendError, RenderedImage
from generation.backends.hosting import Hosting
from generation.backends.transport import Answer, Transport
from generation.systems import SystemSpec
from generation.timing import StageTimings

_FORMATS = ("PNG", "JPEG", "WEBP")


class EndpointBackend:
    """One request a picture. Systems that share it differ in all of their arguments, so `prepare` reads those."""

    largest_batch = 1
    size_bytes = 0
    on_device = False

    def load(self, spec: SystemSpec, data_dir: Path) -> None:
        self.prepare(spec)

    def prepare(self, spec: SystemSpec) -> None:
        self._spec = spec
        self._hosting = Hosting.of(spec)
        self._transport = self._hosting.transport

    def to_host(self) -> None:
        pass

    def render(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[RenderedImage]:
        return [self._ask(prompt, seed) for prompt, seed in zip(prompts, seeds, strict=True)]

    def _ask(self, prompt: str, seed: int) -> RenderedImage:
        spec, hosting = self._spec, self._hosting
        own: dict[str, Any]
        if hosting.format == "openai":
            own = {"model": spec.model, "prompt": prompt, "size": f"{spec.width}x{spec.height}", "n": 1}
        else:
            own = {"model": spec.model, "prompt": prompt, "seed": seed}
            own |= {"width": spec.width, "height": spec.height, "steps": spec.steps}
        answer = self._transport.post(hosting.url, own | hosting.body)
        read = self._read_openai if hosting.format == "openai" else self._read_json
        raw, fetched = read(answer)
        picture = _open(self._transport, spec, raw)
        return RenderedImage(
            picture,
            StageTimings.of_whole_call(answer.elapsed_ms + (fetched.elapsed_ms if fetched else 0.0)),
            {
                "backend": "endpoint",
                "host": hosting.url.host,
                "cost": hosting.cost_per_image,
                "currency": hosting.currency,
                "attempts": answer.attempts,
                "seed_sent": hosting.format == "json",
                "python": platform.python_version(),
                "httpx2": httpx2.__version__,
                "batch_size": 1,
            },
        )

    def _read_openai(self, answer: Answer) -> tuple[bytes, Answer | None]:
        entries = self._parse(answer).get("data")
        entry = entries[0] if isinstance(entries, list) and entries else None
        if isinstance(entry, dict):
            if isinstance(encoded := entry.get("b64_json"), str):
                return self._decode(encoded, "data[0].b64_json"), None
            if isinstance(link := entry.get("url"), str):
                fetched = self._fetch(link)
                return fetched.body, fetched
        raise self._transport.refuse("answered without data[0].b64_json or data[0].url")

    def _read_json(self, answer: Answer) -> tuple[bytes, Answer | None]:
        if answer.content_type.lower().startswith("image/"):
            return answer.body, None
        field = self._hosting.image_field
        encoded = self._parse(answer).get(field)
        if not isinstance(encoded, str):
            raise self._transport.refuse(f"answered without an image, and without base64 text under {field!r}")
        return self._decode(encoded, repr(field)), None

    def _parse(self, answer: Answer) -> Mapping[str, Any]:
        try:
            content = json.loads(answer.body)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            kind = answer.content_type or "no type"
            raise self._transport.refuse(f"answered with {len(answer.body)} bytes of {kind!r} that are no JSON object")
        return content

    def _decode(self, encoded: str, place: str) -> bytes:
        data = encoded.partition(",")[2] if encoded.startswith("data:") else encoded
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raise self._transport.refuse(f"answered with text under {place} that is not base64") from None

    def _fetch(self, link: str) -> Answer:
        """The picture behind a link, without the key: it mostly lies in a store of somebody else's."""
        try:
            url = httpx2.URL(link)
        except (httpx2.InvalidURL, ValueError):
            raise self._transport.refuse("answered with a link to an image that is no URL") from None
        api = self._hosting.url
        is_own = (url.scheme, url.netloc) == (api.scheme, api.netloc)
        if not is_own and (url.scheme != "https" or not url.host):
            raise self._transport.refuse(
                f"answered with a link to an image at {url.scheme}://{url.host}; only https or its own host is fetched"
            )
        hosting = self._hosting
        per_minute = hosting.requests_per_minute if is_own else None
        return Transport(self._spec.slug, url.host, hosting.timeout_seconds, per_minute).get(url)


def _open(transport: Transport, spec: SystemSpec, raw: bytes) -> Image.Image:
    """The picture, opaque and of the system's size, which is looked at before any pixel is decoded."""
    try:
        with Image.open(io.BytesIO(raw), formats=_FORMATS) as opened:
            if opened.size != (spec.width, spec.height):
                width, height = opened.size
                raise PermanentBackendError(
                    f"{spec.slug}: width is {spec.width} and height is {spec.height}, but {transport.host} makes "
                    f"{width} x {height} pixels; correct both."
                )
            opened.load()
            picture: ImageFile.ImageFile | Image.Image = opened
            if opened.has_transparency_data:
                picture = opened.convert("RGBA")
                if picture.getchannel("A").getextrema() != (255, 255):
                    raise transport.refuse("made a picture with transparent pixels, which need a background")
            return picture.convert("RGB")
    except UnidentifiedImageError:
        names = ", ".join(_FORMATS)
        raise transport.refuse(f"answered with {len(raw)} bytes that are no image ({names})") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise transport.refuse(f"answered with a broken or cut off image ({reason.rstrip('.')})") from None
