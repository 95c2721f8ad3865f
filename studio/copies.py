"""Working copies: begun, kept as they are typed, saved into a study that is a draft, copied into a new version."""

from __future__ import annotations

import re
import secrets
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from comparisons.models import Study
from comparisons.studies import SlugTakenError, StudyError, create_study, design_hash, rename_draft
from comparisons.study_file import StudyFileError, StudySpec, read_table, study_of
from comparisons.study_text import study_table, write_study
from generation.models import PromptSet
from generation.systems import SpecError
from people import audit, members
from people.audit import Verb
from people.models import Membership
from studio.models import WorkingCopy
from studio.typed import Content, Problem, changed_texts, check, content_of, place_of, plan_of

MOST_FILE_BYTES = 2_000_000
PLAN = {"win_rate": "0.55", "ties": "0.2", "prompt_icc": "0.35", "rater_icc": "0.1", "seconds": "8", "pay": "12"}
_KEY_OF_SENTENCE = re.compile(r"([\w.\[\]]+) is ")


class DesignError(Exception):
    """The design is no study yet: what is wrong, each with its place."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.sentence for problem in problems))
        self.problems = problems


class UnkeptError(Exception):
    """The form would change a text of the study; one sentence."""


class Overtaken(Exception):
    """The copy was changed in another window since this one loaded it."""


def begin(user: User) -> WorkingCopy:
    """With the questions and numbers of a study as it is commonly run."""
    return WorkingCopy.objects.create(owner=user, content=_with_plan(content_of(_common_study())))


def begin_from_file(user: User, content: bytes, name: str) -> WorkingCopy:
    """StudyFileError where it is no study file, in the parser's words."""
    if len(content) > MOST_FILE_BYTES:
        raise StudyFileError(f"{name}: has {len(content)} bytes; allowed: {MOST_FILE_BYTES}.")
    table = read_table(content, name)
    try:
        spec = study_of(table)
    except SpecError as error:
        raise StudyFileError(f"{name}: {error}.") from None
    typed, changed = content_of(table), changed_texts(table)
    if changed or check(typed)[0] != spec:
        place = f" in {', '.join(changed)}" if changed else ""
        raise StudyFileError(
            f"{name}: has a text{place} that the form would change; create the study with create_study."
        )
    return WorkingCopy.objects.create(owner=user, content=_with_plan(typed))


def begin_version(study: Study, user: User) -> WorkingCopy:
    """A new design with all that this study says, under the next free name; UnkeptError where the form changes it."""
    base = re.sub(r"-v\d+$", "", study.slug)[:90]
    taken = set(Study.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    slug = next(name for n in range(2, len(taken) + 3) if (name := f"{base}-v{n}") not in taken)
    content = _kept_content_of(study) | {"slug": slug}
    return WorkingCopy.objects.create(owner=user, content=content, predecessor=study)


def copy_of(study: Study, user: User) -> WorkingCopy:
    """Of a draft; made where there is none, as for a study from a file. UnkeptError where the form changes it."""
    copy, _ = WorkingCopy.objects.get_or_create(
        study=study,
        defaults={
            "owner": user,
            "content": lambda: _kept_content_of(study),
            "study_hash": design_hash(study),
        },
    )
    return copy


def take_from_study(copy: WorkingCopy) -> None:
    """Forget what was typed, and begin anew with what the draft says now; UnkeptError where the form changes it."""
    if copy.study:
        content = _kept_content_of(copy.study)
        copy.study_hash = design_hash(copy.study)
        keep(copy, content | _plan_texts(copy), copy.version)


def has_strayed(copy: WorkingCopy) -> bool:
    """Whether the draft was changed by other means than this copy since it was last saved."""
    return copy.study is not None and copy.study_hash != design_hash(copy.study)


def has_unsaved(copy: WorkingCopy) -> bool:
    """Whether the form says another design than the draft, or none yet: what opens is the draft."""
    if copy.study is None:
        return False
    spec, _ = problems_of(copy.content)
    saved = copy.study.design
    return spec is None or spec.slug != copy.study.slug or saved | spec.as_design() != saved


def saved_content(study: Study, copy: WorkingCopy | None) -> Content:
    """What the draft says, whatever is typed in its form, with that form's assumptions for the estimate."""
    return _content_of(study) | (_plan_texts(copy) if copy else {})


def keep(copy: WorkingCopy, content: Content, version: int) -> None:
    """Store what was typed in a window that had loaded this version; Overtaken where another one was faster."""
    mine = WorkingCopy.objects.filter(id=copy.id, version=version)
    changes = {"content": content, "version": version + 1, "updated_at": timezone.now(), "study_hash": copy.study_hash}
    if not mine.update(**changes):
        raise Overtaken
    copy.content, copy.version = content, version + 1


def problems_of(content: Content) -> tuple[StudySpec | None, list[Problem]]:
    """What the study file's parser says, and whether the prompts are there."""
    spec, problems = check(content)
    slug = str(content.get("prompt_set", "")).strip()
    if slug and not PromptSet.objects.filter(slug=slug).exists():
        sentence = f"Found {slug!r}, of which there are no prompts here; allowed: one of the list, or bring them first."
        problems = [problem for problem in problems if problem.place != "prompt_set"]
        problems.append(Problem("prompt_set", sentence))
    return (None if problems else spec), problems


@transaction.atomic
def save_study(copy: WorkingCopy, user: User) -> Study:
    """Make the draft of this design, or change it to this; DesignError where it is no study yet."""
    spec, problems = problems_of(copy.content)
    if spec is None:
        raise DesignError(problems)
    if copy.study and copy.study.state != Study.State.DRAFT:
        sentence = f"Study {copy.study.slug!r} is {copy.study.state}, and its design frozen: make a new version of it."
        raise DesignError([Problem("", sentence)])
    is_new, former = copy.study is None, copy.study.slug if copy.study else spec.slug
    try:
        if copy.study:
            rename_draft(copy.study, spec.slug)
        study, _ = create_study(spec, must_be_new=is_new)
    except SlugTakenError:
        sentence = f"Found {spec.slug!r}, which another study has; allowed: a name that none has."
        raise DesignError([Problem("slug", sentence)]) from None
    except StudyError as error:
        raise DesignError([_problem_of(str(error), copy.content)]) from None
    if is_new:
        members.grant(study, user, Membership.Role.OWNER, actor=user)
    renamed = {"before": former} if former != study.slug else None
    audit.record(Verb.CREATED if is_new else Verb.CHANGED, study=study, actor=user, details=renamed)
    copy.study, copy.study_hash = study, design_hash(study)
    WorkingCopy.objects.filter(id=copy.id).update(study=study, study_hash=copy.study_hash)
    return study


def trial(copy: WorkingCopy, user: User) -> list[Problem]:
    """What saving would refuse. Nothing is saved."""
    study, study_hash = copy.study, copy.study_hash
    try:
        with transaction.atomic():
            save_study(copy, user)
            transaction.set_rollback(True)
    except DesignError as error:
        return error.problems
    finally:
        copy.study, copy.study_hash = study, study_hash
    return []


def as_file(copy: WorkingCopy) -> str:
    """The study file of this design; DesignError where it is no study yet."""
    spec, problems = check(copy.content)
    if spec is None:
        raise DesignError(problems)
    return write_study(spec.slug, spec.as_design())


def _problem_of(sentence: str, content: Content) -> Problem:
    """Most sentences about a study begin with the key that is wrong; the others are about its systems."""
    found = _KEY_OF_SENTENCE.match(sentence)
    place = place_of(found[1], content) if found else ""
    return Problem(place or ("systems" if sentence.startswith("system ") else ""), sentence)


def _content_of(study: Study) -> Content:
    return _with_plan(content_of(study_table(study.slug, study.design)))


def _kept_content_of(study: Study) -> Content:
    if changed := changed_texts(study_table(study.slug, study.design)):
        raise UnkeptError(
            f"{study.slug} has a text in {', '.join(changed)} that the form would change: "
            "edit its study file instead, which the page gives, and send that to create_study or to the API."
        )
    return _content_of(study)


def _plan_texts(copy: WorkingCopy) -> Content:
    return {name: text for name, text in copy.content.items() if name.startswith("plan.")}


def _with_plan(content: Content) -> Content:
    return content | {f"plan.{name}": text for name, text in PLAN.items() if name not in plan_of(content)}


def _common_study() -> dict[str, Any]:
    """The announcement's two questions, with practice, checks and mild rules."""
    return {
        "seed": secrets.randbelow(100_000),
        "language": "en",
        "rating": {"votes_wanted": 4, "judgements_per_question": 40, "matchmaking": "balanced", "layout": "blocks"},
        "display": {"size": 512, "theme": "light"},
        "questions": [
            {
                "key": "prompt-following",
                "wording": "Which picture follows the text more closely?",
                "help": "What is there, how many, which colours, and where. Do not mind how well it is drawn.",
                "practice": ["mismatched"],
                "checks": ["corrupted", "mismatched"],
            },
            {
                "key": "quality",
                "wording": "Which picture has the higher quality?",
                "help": "How well it is made: shapes, colours, details. Do not mind what the text says.",
                "practice": ["corrupted"],
                "checks": ["corrupted"],
            },
        ],
        "checks": {"every": 10, "repeats": 2},
        "rules": {"failed_checks": 2, "response_floor_ms": 500},
        "recruitment": {"platform": "link"},
        "systems": [{"catalogue": "sdxl-turbo", "steps": [1, 4]}, {"catalogue": "sdxl", "steps": 50}],
    }
