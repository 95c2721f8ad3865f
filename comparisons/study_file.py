"""Study files: TOML to a StudySpec. Every error names the file, the key, what was found and what is allowed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from comparisons.matchmaking import STRATEGIES
from generation.catalogue import catalogue, resolve
from generation.systems import SpecError, SystemSpec

DEFAULT_TITLE = "Comparing pictures"
DEFAULT_INTRODUCTION = "You will see a text and two pictures that were made from it, side by side."
DEFAULT_CONSENT = (
    "Taking part is voluntary and you may stop at any time. We store your answers, how long each took, "
    "and a random number that stands for you: no name, no address. The answers are published in aggregate "
    "and as an anonymous data set."
)
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_STEP_COUNT = re.compile(r"\b(\d+|one|two|four|single)[\W_]+((sampling|inference)[\W_]+)?steps?\b", re.IGNORECASE)
_TELLS_NOTHING = "a text that tells raters nothing about the systems"
_SLUG_RULE = "1 to 100 lower-case letters, digits and '-', the first a letter or digit"


class StudyFileError(ValueError):
    """One sentence: file, key, what was found, what is allowed."""


@dataclass(frozen=True)
class QuestionSpec:
    key: str
    wording: str
    tie: bool
    both_bad: bool


@dataclass(frozen=True)
class StudySpec:
    slug: str
    title: str
    introduction: str
    consent: str
    prompt_set: str
    seed: int
    votes_wanted: int
    judgements_per_question: int | None
    matchmaking: str
    display_px: int
    upsample: bool
    questions: tuple[QuestionSpec, ...]
    systems: tuple[SystemSpec, ...]

    def as_design(self) -> dict[str, Any]:
        """All that decides what is asked and shown, as JSON. The slug is a name, not a part of the design."""
        design = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "slug"}
        design["questions"] = [asdict(question) for question in self.questions]
        design["systems"] = [system.as_dict() for system in self.systems]
        return design


def read_study(path: Path) -> StudySpec:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyFileError(f"{path}: there is no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StudyFileError(f"{path}: cannot be read as UTF-8 text: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise StudyFileError(f"{path}: not valid TOML: {error}.") from None
    try:
        return _study(_Table(content, ""))
    except SpecError as error:
        raise StudyFileError(f"{path}: {error}.") from None


class _Table:
    """A TOML table of which every key must be taken; `path` is its place in the file, for errors."""

    def __init__(self, content: Mapping[str, Any], path: str) -> None:
        self._content = dict(content)
        self._allowed: list[str] = []
        self._path = path

    def key(self, name: str) -> str:
        return f"{self._path}{name}"

    def _take(self, name: str, kind: type, default: Any, allowed: str) -> Any:
        self._allowed.append(name)
        value = self._content.pop(name, default)
        if value is None:
            raise SpecError(self.key(name), "missing", allowed)
        if type(value) is not kind:
            raise SpecError(self.key(name), repr(value), allowed)
        return value

    def text(self, name: str, default: str | None = None, limit: int = 10_000) -> str:
        allowed = f"a text of 1 to {limit} characters"
        value: str = self._take(name, str, default, allowed)
        if not value.strip() or len(value) > limit or "\0" in value:
            raise SpecError(self.key(name), repr(value[:40]), allowed)
        return value.strip()

    def slug(self, name: str) -> str:
        value: str = self._take(name, str, None, _SLUG_RULE)
        if not _SLUG.fullmatch(value):
            raise SpecError(self.key(name), repr(value), _SLUG_RULE)
        return value

    def switch(self, name: str, default: bool) -> bool:
        value: bool = self._take(name, bool, default, "true or false")
        return value

    def number(self, name: str, low: int, high: int, default: int | None = None) -> int:
        allowed = f"a whole number from {low} to {high}"
        value: int = self._take(name, int, default, allowed)
        if not low <= value <= high:
            raise SpecError(self.key(name), repr(value), allowed)
        return value

    def optional_number(self, name: str, low: int, high: int) -> int | None:
        if name in self._content:
            return self.number(name, low, high)
        self._allowed.append(name)
        return None

    def choice(self, name: str, allowed: list[str], default: str) -> str:
        value: str = self._take(name, str, default, ", ".join(allowed))
        if value not in allowed:
            raise SpecError(self.key(name), repr(value), ", ".join(allowed))
        return value

    def table(self, name: str) -> _Table:
        return _Table(self._take(name, dict, {}, "a table"), f"{self.key(name)}.")

    def tables(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        """Each table of an array of tables with its place in the file."""
        allowed = f"at least one table [[{name}]]"
        items: list[Any] = self._take(name, list, None, allowed)
        if not items or not all(isinstance(item, dict) for item in items):
            raise SpecError(self.key(name), repr(items), allowed)
        return [(f"{self.key(name)}[{index}]", item) for index, item in enumerate(items, start=1)]

    def end(self) -> None:
        for name in self._content:
            raise SpecError(self.key(name), "not a known key", ", ".join(self._allowed))


def _study(root: _Table) -> StudySpec:
    rating, display = root.table("rating"), root.table("display")
    spec = StudySpec(
        slug=root.slug("slug"),
        title=root.text("title", DEFAULT_TITLE, limit=200),
        introduction=root.text("introduction", DEFAULT_INTRODUCTION),
        consent=root.text("consent", DEFAULT_CONSENT),
        prompt_set=root.slug("prompt_set"),
        seed=root.number("seed", 0, 2**53),
        votes_wanted=rating.number("votes_wanted", 1, 10_000),
        judgements_per_question=rating.optional_number("judgements_per_question", 1, 10_000),
        matchmaking=rating.choice("matchmaking", list(STRATEGIES), "balanced"),
        display_px=display.number("size", 16, 4096, default=512),
        upsample=display.switch("upsample", default=False),
        questions=tuple(_question(item, place) for place, item in root.tables("questions")),
        systems=tuple(system for place, item in root.tables("systems") for system in _systems(item, place)),
    )
    for table in (rating, display, root):
        table.end()
    _check_questions(spec)
    _check_systems(spec)
    _check_blindness(spec)
    return spec


def _question(content: dict[str, Any], place: str) -> QuestionSpec:
    table = _Table(content, f"{place}.")
    question = QuestionSpec(
        key=table.slug("key"),
        wording=table.text("wording", limit=300),
        tie=table.switch("tie", default=False),
        both_bad=table.switch("both_bad", default=False),
    )
    table.end()
    return question


def _systems(content: dict[str, Any], place: str) -> list[SystemSpec]:
    try:
        return resolve(content)
    except SpecError as error:
        raise SpecError(f"{place}.{error.key}", error.found, error.allowed) from None


def _check_questions(spec: StudySpec) -> None:
    keys = [question.key for question in spec.questions]
    for key in keys:
        if keys.count(key) > 1:
            raise SpecError("questions", f"{key!r} twice", "each key once")


def _check_systems(spec: StudySpec) -> None:
    slugs = [system.slug for system in spec.systems]
    if len(slugs) < 2:
        raise SpecError("systems", f"{len(slugs)} system", "at least 2, since people compare pairs")
    for system in spec.systems:
        if slugs.count(system.slug) > 1:
            raise SpecError("systems", f"{system.slug!r} twice", "each system once; give one of them another name")
        same = next(other for other in spec.systems if other.fingerprint == system.fingerprint)
        if same is not system:
            raise SpecError("systems", f"{system.slug!r} with the settings of {same.slug!r}", "each setting once")
        if system.width != system.height:
            size = f"{system.width} x {system.height} for {system.slug}"
            raise SpecError("systems", size, "square pictures, so that all are shown in one size")
        if system.width < spec.display_px and not spec.upsample:
            allowed = f"at most {system.width}, the size that {system.slug} makes; or upsample = true"
            raise SpecError("display.size", str(spec.display_px), allowed)


def _check_blindness(spec: StudySpec) -> None:
    """What a rater reads must not name a contestant."""
    read = {"title": spec.title, "introduction": spec.introduction, "consent": spec.consent}
    read |= {f"questions[{n}].wording": question.wording for n, question in enumerate(spec.questions, start=1)}
    read |= {f"questions[{n}].key": question.key for n, question in enumerate(spec.questions, start=1)}
    names = {name for system in spec.systems for name in system.names}
    for key, text in read.items():
        for name in sorted(names | set(catalogue())):
            if _mentions(text, name):
                raise SpecError(key, f"{text[:60]!r}, which names {name!r}", _TELLS_NOTHING)
        if counted := _STEP_COUNT.search(text):
            raise SpecError(key, f"{text[:60]!r}, which tells of {counted[0]!r}", _TELLS_NOTHING)


def _mentions(text: str, name: str) -> bool:
    """However it is written: "SDXL Turbo" mentions sdxl-turbo."""
    words = re.findall(r"[^\W_]+", name)
    spelling = r"[\W_]*".join(words)
    return bool(words) and re.search(rf"(?<![^\W_]){spelling}(?![^\W_])", text, re.IGNORECASE) is not None
