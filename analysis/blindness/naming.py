"""What must not reach a rater, and a scanner for all that does."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from urllib.parse import unquote

from analysis.blindness.containers import readable
from analysis.blindness.records import Leak, Response
from comparisons.models import Study
from comparisons.studies import image_jobs
from generation.models import Image

BY_CHANCE = 5  # characters; what is no longer counts only as a word of its own, and not at all within a picture
_AROUND = 30  # characters of an excerpt


def secrets_of(study: Study) -> dict[str, str]:
    """Every text that would tell a rater which system made a picture, or let two raters compare notes; what it is."""
    slugs = {study.slug: "the study's slug", study.prompt_set.slug: "the prompt set's slug"}
    written = _written(study)
    secrets = {
        **{slug: what for slug, what in slugs.items() if _place(slug.lower(), written) is None},
        study.design_hash: "the design hash",
        study.prompt_set.sha256: "the prompt set's hash",
        **_seeds(study.seed, "the study's seed"),
    }
    for system in study.systems.all():
        spec = system.parsed_spec()
        for place in (spec.model, spec.unet, spec.vae):
            secrets |= dict.fromkeys([place, place.rpartition("/")[2]] if place else [], "a system's model")
        for text in (spec.backend, spec.pipeline, spec.scheduler.get("class")):
            secrets[str(text or "")] = "a system's backend, pipeline or scheduler"
        steps = (f"{spec.steps} step", f"{spec.steps}-step", f"@{spec.steps}", f"steps={spec.steps}")
        secrets |= dict.fromkeys(steps, "a system's number of steps")
        secrets |= dict.fromkeys((system.fingerprint, system.fingerprint[:8]), "a system's fingerprint")
        secrets |= dict.fromkeys((system.slug, spec.name), "a system's name")
    for image in Image.objects.filter(job__in=image_jobs(study)).select_related("job"):
        secrets |= dict.fromkeys((image.sha256, image.sha256[:8]), "an image's hash")
        secrets |= dict.fromkeys((str(image.public_id), image.public_id.hex), "an image's id")
        secrets |= _seeds(image.job.seed, "an image's seed")
    return {secret.lower(): what for secret, what in secrets.items() if secret}


def _written(study: Study) -> str:
    """What raters read of the study, and how its pages look: a slug that is a word of it tells nobody anything."""
    protocol = study.protocol
    texts = [study.title, study.introduction, study.consent_text, protocol.instructions]
    texts += [protocol.theme, protocol.language]
    for question in study.ordered_questions:
        texts += [question.key, question.wording, question.help]
    return "\n".join([*texts, *study.prompt_set.prompts.values_list("text", flat=True)]).lower()


def _seeds(seed: int, what: str) -> dict[str, str]:
    """A small number occurs everywhere: then only a number that is called a seed counts."""
    written = [f"seed{between}{seed}" for between in ("=", ": ", '": ', " ")]
    return dict.fromkeys([*written, *([str(seed)] if len(str(seed)) > BY_CHANCE else [])], what)


def find_leaks(secrets: Collection[str], received: Iterable[bytes | str]) -> list[str]:
    """Which secrets occur, in plain text or as HTML, URLs and JSON write them."""
    texts: set[str] = set()
    pictures: set[str] = set()
    for item in received:
        if isinstance(item, bytes) and item.startswith(b"RIFF"):
            pictures.update(_readings(readable(item)))
        else:
            texts.update(_readings(item.decode("latin-1") if isinstance(item, bytes) else item))
    long = {secret for secret in secrets if len(secret) > BY_CHANCE}
    found = {secret for secret in secrets if any(_place(secret, text) is not None for text in texts)}
    return sorted(found | {secret for secret in long if any(secret in text for text in pictures)})


def named(secrets: Mapping[str, str], responses: Iterable[Response]) -> list[Leak]:
    """One leak for each secret that was received anywhere, with the first place where it was.

    What is part of a longer secret that was found there is not told again.
    """
    places: dict[tuple[str, bool], str] = {}  # of each text, and whether it is a picture's, the first place
    for response in responses:
        is_picture = response.header("Content-Type").startswith("image/")
        for where, text in _parts(response):
            places.setdefault((text, is_picture and where == "body"), f"{where} of {response.url}")
    everything = "\n".join(reading for text, _ in places for reading in _readings(text))
    found: dict[str, tuple[str, str]] = {}
    for secret in sorted((secret for secret in secrets if secret in everything), key=len, reverse=True):
        first = _first(secret, places)
        if first and not any(secret in longer and first[0] == place for longer, (place, _) in found.items()):
            found[secret] = first
    return [
        Leak("name", f"{secrets[secret]} is received: {secret!r}", f"{place}: {excerpt}")
        for secret, (place, excerpt) in found.items()
    ]


def _first(secret: str, places: Mapping[tuple[str, bool], str]) -> tuple[str, str] | None:
    for (text, is_picture), place in places.items():
        if (excerpt := _excerpt(secret, text)) and not (is_picture and len(secret) <= BY_CHANCE):
            return place, excerpt
    return None


def _parts(response: Response) -> Iterator[tuple[str, str]]:
    yield "address", response.url
    yield "body", response.text
    for name, value in response.headers:
        yield f"header {name}", f"{name}: {value}"


def _excerpt(secret: str, text: str) -> str:
    for reading in _readings(text):
        place = _place(secret, reading)
        if place is not None:
            around = reading[max(0, place - _AROUND) : place + len(secret) + _AROUND]
            return repr(" ".join(around.split()))
    return ""


def _place(secret: str, text: str) -> int | None:
    place = text.find(secret)
    if place < 0 or len(secret) > BY_CHANCE:
        return None if place < 0 else place
    start = r"(?<![a-z0-9])" if secret[0].isalnum() else ""
    as_word = re.search(rf"{start}{re.escape(secret)}(?![a-z0-9])", text)
    return as_word.start() if as_word else None


def _readings(text: str) -> set[str]:
    text = text.lower()
    as_json = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)
    return {text, html.unescape(text), unquote(text), as_json}
