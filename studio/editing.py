"""What the buttons of the form do: each keeps what was typed first, then says where to go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from comparisons.models import Study, Vote
from comparisons.study_text import systems_tables
from generation.catalogue import catalogue
from generation.models import System
from people import rights
from people.rights import Right, studies_of
from studio import copies
from studio.bound import element_id
from studio.models import WorkingCopy
from studio.sections import GROUPS
from studio.typed import Content, rows, with_row, with_row_moved_up, without_row

OVERTAKEN = (
    "This design was changed in another window since. What is typed here is not stored: load the page again to see the "
    "other, or save here to replace it."
)
IMPORTED = "imported"
Change = Callable[[Content, str, User], tuple[Content, str]]


class Refused(Exception):
    """One sentence: why a button did nothing but keep what was typed."""


@dataclass(frozen=True)
class CatalogueRow:
    name: str
    steps: str
    guidance: str
    size: str
    is_fixed: bool  # the guidance scale


def version_in(posted: Mapping[str, str]) -> int:
    text = posted.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def act(copy: WorkingCopy, content: Content, posted: Mapping[str, str], user: User) -> str:
    """Do what the pressed button says, `verb` or `verb:argument`; return the address of what comes then."""
    verb, _, argument = posted.get("do", "keep").partition(":")
    here, place = reverse("studio:edit", args=[copy.pk]), ""
    if verb in {"existing", "pilot"}:
        argument = posted.get(verb, "")
    copies.keep(copy, content, version_in(posted))
    if verb in _CHANGES:
        content, place = _CHANGES[verb](content, argument, user)
        copies.keep(copy, content, copy.version)
    if verb == "take":
        _take(copy)
    if verb == "save":
        return _save(copy, user, here)
    elsewhere = {
        "check": f"{here}?check=1#checked",
        "prompts": reverse("studio:prompts", args=[copy.pk]),
        "preview": reverse("studio:preview", args=[f"draft-{copy.pk}"]),
    }
    return elsewhere.get(verb, f"{here}#{place}" if place else here)


def _take(copy: WorkingCopy) -> None:
    try:
        copies.take_from_study(copy)
    except copies.UnkeptError as error:
        raise Refused(str(error)) from None


def _save(copy: WorkingCopy, user: User, here: str) -> str:
    try:
        study = copies.save_study(copy, user)
    except copies.DesignError:
        return f"{here}?check=1#checked"
    return reverse("studio:design", args=[study.slug])


def _add(content: Content, argument: str, user: User) -> tuple[Content, str]:
    """`systems`, or `systems:imported` for one whose pictures are made elsewhere."""
    group, _, variant = argument.partition(":")
    if group not in GROUPS:
        raise Refused(f"There are no rows {group!r}; there are: {', '.join(GROUPS)}.")
    values = {"backend": IMPORTED, "steps": 1} if variant == IMPORTED else {}
    content = with_row(content, group, values)
    return content, element_id(f"{group}[{rows(content, group)[-1]}]")


def _remove(content: Content, argument: str, user: User) -> tuple[Content, str]:
    return without_row(content, argument), element_id(argument.partition("[")[0])


def _up(content: Content, argument: str, user: User) -> tuple[Content, str]:
    group, _, number = argument.rstrip("]").partition("[")
    place = int(number) if number.isdecimal() and int(number) in rows(content, group) else 0
    return with_row_moved_up(content, group, place), element_id(f"{group}[{max(1, place - 1)}]")


def _existing(content: Content, argument: str, user: User) -> tuple[Content, str]:
    """A system of one's other studies, exactly as it is there."""
    system = known_systems(user).filter(slug=argument).first()
    if system is None:
        raise Refused("Choose one of the systems of your studies first.")
    (table,) = systems_tables([system.parsed_spec()])
    content = with_row(content, "systems", table)
    return content, element_id(f"systems[{rows(content, 'systems')[-1]}]")


def _pilot(content: Content, argument: str, user: User) -> tuple[Content, str]:
    """Ties and correlations of an earlier study's votes, for the estimate."""
    study = pilots(user).filter(slug=argument).first()
    if study is None or study.hides_results or Right.SEE_RESULTS not in rights.of(user, study):
        raise Refused("Choose a study first that has votes, and whose results you may see.")
    return content | _learned(study), "estimate"


def _learned(study: Study) -> Content:
    """The mean over its questions, as far as they determine it."""
    from analysis import snapshots  # pandas and SciPy, which the form does without
    from analysis.stats.planning import pilot_icc

    summary = snapshots.newest(study, "results").content
    questions = [question for question in (summary or {}).get("questions", {}).values() if question["votes"]]
    if not questions:
        raise Refused(f"Nothing has been computed of {study.slug} yet: look at its results first.")
    ties = [sum(pair["ties"] for pair in question["pairs"]) / question["votes"] for question in questions]
    learned = {"plan.ties": f"{fmean(ties):.3g}"}
    for name in ("prompt_icc", "rater_icc"):
        known = [question["agreement"][name] for question in questions if question["agreement"][name] is not None]
        if known:
            learned[f"plan.{name}"] = f"{pilot_icc(known):.3g}"
    return dict(learned)


_CHANGES: dict[str, Change] = {"add": _add, "remove": _remove, "up": _up, "existing": _existing, "pilot": _pilot}


def known_systems(user: User) -> QuerySet[System]:
    studies = Study.objects.filter(studies_of(user))
    return System.objects.filter(studies__in=studies).distinct().order_by("slug")


def pilots(user: User) -> QuerySet[Study]:
    """One's studies that have votes."""
    voted = Vote.objects.filter(assignment__session__study=OuterRef("pk"))
    return Study.objects.filter(studies_of(user), Exists(voted)).order_by("slug")


def catalogue_rows() -> list[CatalogueRow]:
    """The ready-made systems with what a study may change of them."""
    return [
        CatalogueRow(
            name=name,
            steps=_steps(entry),
            guidance=str(entry.get("guidance_scale", "–")),
            size=f"{entry['width']} × {entry['height']}",
            is_fixed="guidance_scale" in entry.get("fixed", ()),
        )
        for name, entry in catalogue().items()
    ]


def _steps(entry: Mapping[str, Any]) -> str:
    allowed = entry.get("steps_allowed")
    if allowed:
        return f"{entry['steps']} (allowed: {', '.join(map(str, allowed))})"
    return f"{entry['steps']} only" if "steps" in entry.get("fixed", ()) else str(entry["steps"])
