"""Study files: TOML to a StudySpec. Every error names the file, the key, what was found and what is allowed."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from comparisons.default_texts import DEFAULT_TEXTS
from comparisons.matchmaking import STRATEGIES
from comparisons.plain_table import check_plain
from comparisons.protocol import CHECKS, PRACTICE, Gold, Protocol, read_protocol
from comparisons.toml_table import Table
from generation.catalogue import catalogue, resolve
from generation.systems import SpecError, SystemSpec

_STEP_COUNT = re.compile(r"\b(\d+|one|two|four|single)[\W_]+((sampling|inference)[\W_]+)?steps?\b", re.IGNORECASE)
_TELLS_NOTHING = "a text that tells raters nothing about the systems"
_ONLY_THE_FIRST = 'none, since with layout = "together" only the first question\'s are shown: all are asked beside it'


class StudyFileError(ValueError):
    """One sentence: file, key, what was found, what is allowed."""


@dataclass(frozen=True)
class QuestionSpec:
    key: str
    wording: str
    tie: bool
    both_bad: bool
    help: str = ""
    practice: tuple[str, ...] = ()  # kinds of pairs with a known answer, shown with feedback before judging
    checks: tuple[str, ...] = ()  # kinds of attention checks, in turns


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
    protocol: Protocol = field(default_factory=Protocol)

    def as_design(self) -> dict[str, Any]:
        """All that decides what is asked and shown, as JSON. The slug is a name, not a part of the design."""
        design = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "slug"}
        design["questions"] = [asdict(question) for question in self.questions]
        design["systems"] = [system.as_dict() for system in self.systems]
        design["protocol"] = asdict(self.protocol)
        for key in ("examples", "hide_results_until_closed"):
            if not design["protocol"][key]:
                del design["protocol"][key]  # studies without them keep their hash
        stored: dict[str, Any] = json.loads(json.dumps(design))  # as the database gives it back: lists, no tuples
        return stored


def read_study(path: Path) -> StudySpec:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise StudyFileError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise StudyFileError(f"{path}: cannot be read as UTF-8 text: {error}.") from None
    content = read_table(text, str(path))
    try:
        return study_of(content)
    except SpecError as error:
        raise StudyFileError(f"{path}: {error}.") from None


def read_table(text: bytes, name: str) -> dict[str, Any]:
    """The table that a study file holds; errors call the file by `name`."""
    try:
        return tomllib.loads(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise StudyFileError(f"{name}: cannot be read as UTF-8 text: {error}.") from None
    except (ValueError, RecursionError) as error:  # also of a number of 5,000 digits, and of 1,000 brackets
        raise StudyFileError(f"{name}: not valid TOML: {error}.") from None


def study_of(content: Mapping[str, Any]) -> StudySpec:
    """The study of a file's table; SpecError names the first key that is wrong."""
    check_plain(content)
    root = Table(content, "")
    rating, display = root.table("rating"), root.table("display")
    spec = StudySpec(
        slug=root.slug("slug"),
        title=root.optional_text("title", limit=200),
        introduction=root.optional_text("introduction"),
        consent=root.optional_text("consent"),
        prompt_set=root.slug("prompt_set"),
        seed=root.number("seed", 0, 2**53),
        votes_wanted=rating.number("votes_wanted", 1, 10_000),
        judgements_per_question=rating.optional_number("judgements_per_question", 1, 10_000),
        matchmaking=rating.choice("matchmaking", list(STRATEGIES), "balanced"),
        display_px=display.number("size", 16, 4096, default=512),
        upsample=display.switch("upsample", default=False),
        questions=tuple(_question(item, place) for place, item in root.tables("questions")),
        systems=tuple(system for place, item in root.tables("systems") for system in _systems(item, place)),
        protocol=read_protocol(root, rating, display),
    )
    for table in (rating, display, root):
        table.end()
    spec = _in_full(spec)
    _check_questions(spec)
    _check_checks(spec)
    _check_systems(spec)
    _check_blindness(spec)
    return spec


def _in_full(spec: StudySpec) -> StudySpec:
    """With what the file does not say, in the study's language."""
    texts = DEFAULT_TEXTS[spec.protocol.language]
    is_known_again = spec.protocol.recruitment.platform != "link"
    consent = f"{texts.consent} {texts.known_again}" if is_known_again else texts.consent
    return replace(
        spec,
        title=spec.title or texts.title,
        introduction=spec.introduction or texts.introduction,
        consent=spec.consent or consent,
    )


def _question(content: dict[str, Any], place: str) -> QuestionSpec:
    table = Table(content, f"{place}.")
    question = QuestionSpec(
        key=table.slug("key"),
        wording=table.text("wording", limit=300),
        tie=table.switch("tie", default=False),
        both_bad=table.switch("both_bad", default=False),
        help=table.optional_text("help", limit=2000),
        practice=table.choices("practice", PRACTICE),
        checks=table.choices("checks", CHECKS),
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


def _check_checks(spec: StudySpec) -> None:
    checks = spec.protocol.checks
    for number, question in enumerate(spec.questions, start=1):
        if question.checks and number > 1 and spec.protocol.asks_together:
            raise SpecError(f"questions[{number}].checks", str(list(question.checks)), _ONLY_THE_FIRST)
        if question.checks and checks.every is None:
            raise SpecError("checks.every", "missing", f"a number, since questions[{number}] has checks")
        if "gold" in question.checks and not any(gold.question == question.key for gold in checks.gold):
            raise SpecError("checks.gold", "missing", f"a table [[checks.gold]] with question = {question.key!r}")
    with_gold = [question.key for question in spec.questions if "gold" in question.checks]
    for number, gold in enumerate(checks.gold, start=1):
        _check_gold(spec, gold, with_gold, f"checks.gold[{number}]")
    for number, example in enumerate(spec.protocol.examples, start=1):
        _check_gold(spec, example, [question.key for question in spec.questions], f"examples[{number}]")


def _check_gold(spec: StudySpec, gold: Gold, questions: list[str], place: str) -> None:
    slugs = [system.slug for system in spec.systems]
    if gold.question not in questions:
        raise SpecError(f"{place}.question", repr(gold.question), ", ".join(questions) or "a question with this check")
    for key, slug in (("better", gold.better), ("worse", gold.worse)):
        if slug not in slugs:
            raise SpecError(f"{place}.{key}", repr(slug), ", ".join(slugs))
    if gold.better == gold.worse:
        raise SpecError(f"{place}.worse", repr(gold.worse), "another system than better")


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
    read |= {f"questions[{n}].help": question.help for n, question in enumerate(spec.questions, start=1)}
    read |= spec.protocol.read_texts()
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
