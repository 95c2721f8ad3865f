"""An audit from the first page to the verdict: raters with developer tools, then everything that they kept is tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import requests
from django.urls import reverse
from tqdm import tqdm

from analysis.blindness import fields, structure
from analysis.blindness.collecting import Browser, Recorder, Spy
from analysis.blindness.naming import named, secrets_of
from analysis.blindness.records import SIDES, Behind, Leak, Load, Pair, Response, Value
from analysis.blindness.telling import Telling, tell
from comparisons import leases, recruitment, strengths
from comparisons.models import Assignment, Study
from comparisons.studies import StudyError

FEWEST = 2  # sessions: one to learn from, and another to be tested on
# A check never comes first, so these fields, which follow from where a pair is, differ without telling anything.
_BY_PLACE = ("block.", "feedback", "pause", "progress.", "prompt ", "undoable")
Kind = Assignment.Kind
Seen = Sequence[tuple[Pair, Behind]]


@dataclass(frozen=True)
class Audit:
    study: str
    seed: int
    sessions: int
    pairs: int
    responses: int
    leaks: Sequence[Leak]
    systems: Telling
    checks: Telling | None  # None: the study shows none

    @property
    def is_blind(self) -> bool:
        return not self.leaks

    def as_dict(self) -> dict[str, Any]:
        return {"is_blind": self.is_blind, **asdict(self)}


@dataclass(frozen=True)
class Collected:
    seen: Seen
    examples: Sequence[Load]  # of the instructions
    responses: Sequence[Response]
    leaks: Sequence[Leak]  # that the raters met on their way


def audit(study: Study, url: str, sessions: int, seed: int, browser: Browser = requests.Session) -> Audit:
    """Let so many raters take part to their end, and one more who leaves with a pair unanswered; then look."""
    found = collect(study, url, sessions, seed, browser)
    systems, checks = _tell_systems(found.seen, seed), _tell_checks(found.seen, seed)
    told = [*_told("system", "systems", systems), *(_told("check", "checks", checks) if checks else ())]
    return Audit(
        study=study.slug,
        seed=seed,
        sessions=len({shown.session for shown, _ in found.seen}),
        pairs=len(found.seen),
        responses=len(found.responses),
        leaks=[*certain_leaks(study, found), *told],
        systems=systems,
        checks=checks,
    )


def collect(study: Study, url: str, sessions: int, seed: int, browser: Browser = requests.Session) -> Collected:
    if study.state != Study.State.OPEN:
        raise StudyError(f"Study {study.slug!r} is {study.state}: only an open study can be audited.")
    if sessions < FEWEST:
        raise StudyError(f"--sessions is {sessions}; allowed: a whole number of at least {FEWEST}.")
    recorder = Recorder()
    spies = _take_part(study, url.rstrip("/"), sessions, seed, browser, recorder)
    seen = _seen([shown for spy in spies for shown in spy.shown])
    if len({shown.session for shown, behind in seen if behind.roles[0] == Kind.JUDGEMENT}) < FEWEST:
        raise StudyError(f"Study {study.slug!r} had pairs for fewer than {FEWEST} sessions: nothing can be said.")
    return Collected(
        seen=seen,
        examples=[load for spy in spies for load in spy.examples],
        responses=recorder.responses,
        leaks=[leak for spy in spies for leak in spy.leaks],
    )


def certain_leaks(study: Study, found: Collected) -> list[Leak]:
    """Those that no chance can make. Of a kind that was met again and again, the first."""
    met = {leak.what: leak for leak in reversed(found.leaks)}
    return [*named(secrets_of(study), found.responses), *structure.find(found.seen, found.examples), *met.values()]


def _take_part(study: Study, url: str, sessions: int, seed: int, browser: Browser, recorder: Recorder) -> list[Spy]:
    truth = strengths.truth(study, strengths.everywhere(study, dict.fromkeys(_systems(study), 0.0)))
    landing = url + reverse("rate:landing", args=[study.key])
    first, *landings = (landing + query for query in recruitment.made_up(study, 1 + sessions))
    nobody = {"a browser without a session": recorder.watch(browser())}
    leaver = Spy(first, truth, f"audit:{seed}:leaver", "dropper", browser(), recorder, nobody)
    others = {"another session": leaver.http, **nobody}
    spies = [
        Spy(landing, truth, f"audit:{seed}:{number}", "competent", browser(), recorder, others)
        for number, landing in enumerate(landings)
    ]
    try:
        for spy in tqdm([leaver, *spies], unit="rater", disable=None):
            spy.take_part()
    finally:
        _give_leases_back([spy.result.session for spy in (leaver, *spies) if spy.result.session])
    leaver.return_to_held()
    return [leaver, *spies]


def _systems(study: Study) -> list[str]:
    return list(study.systems.values_list("slug", flat=True))


def _give_leases_back(sessions: Sequence[str]) -> None:
    """What they hold is offered to others at once."""
    for lease in Assignment.objects.open().filter(session__public_id__in=sessions, beside=None):
        leases.give_back(lease, Assignment.State.EXPIRED)


def _seen(shown: Sequence[Pair]) -> Seen:
    """Practice is left out: it says that it is what it is."""
    related = ("comparison__image_a__job__system", "comparison__image_b__job__system", "stand_in__job__system")
    prompts = ("comparison__image_a__job__prompt", "comparison__image_b__job__prompt", "stand_in__job__prompt")
    assignments = Assignment.objects.select_related(*related, *prompts)
    found = assignments.in_bulk([pair.assignment for pair in shown], field_name="public_id")
    behind = {str(public_id): _behind(assignment) for public_id, assignment in found.items()}
    return [(pair, behind[pair.assignment]) for pair in shown if not behind[pair.assignment].is_practice]


def _behind(assignment: Assignment) -> Behind:
    comparison = assignment.comparison
    images = [comparison.image_a, assignment.stand_in or comparison.image_b]
    roles = [assignment.kind, f"{assignment.kind}, stand-in" if assignment.stand_in else assignment.kind]
    left, right = images if assignment.a_is_left else images[::-1]
    return Behind(
        is_practice=assignment.is_practice,
        roles=(roles[0], roles[1]) if assignment.a_is_left else (roles[1], roles[0]),
        systems=(left.job.system.slug, right.job.system.slug),
        system_ids=(left.job.system_id, right.job.system_id),
        image_ids=(left.id, right.id),
        prompt_positions=(left.job.prompt.position, right.job.prompt.position),
    )


def _tell_systems(seen: Seen, seed: int) -> Telling:
    judged = [(pair, behind) for pair, behind in seen if behind.roles[0] == Kind.JUDGEMENT]
    rows = [[fields.of_image(pair, side) | fields.of_pair(pair) for side in SIDES] for pair, _ in judged]
    return tell(rows, [behind.systems for _, behind in judged], [pair.session for pair, _ in judged], seed)


def _tell_checks(seen: Seen, seed: int) -> Telling | None:
    """Of each image whether its pair counts, else which check it is, and whether it stands in for another.

    It is known that a check does not come first. So how far the session is, and its first pairs, which a page brought
    or leased, are left out.
    """
    places: Counter[str] = Counter()
    later: list[tuple[Pair, Behind]] = []
    for pair, behind in seen:
        places[pair.session] += 1
        if places[pair.session] > 2:
            later.append((pair, behind))
    if len({role for _, behind in later for role in behind.roles}) < 2 or len({pair.session for pair, _ in later}) < 2:
        return None
    rows = [[_without_place(fields.of_image(pair, side) | fields.of_pair(pair)) for side in SIDES] for pair, _ in later]
    return tell(rows, [behind.roles for _, behind in later], [pair.session for pair, _ in later], seed)


def _without_place(read: dict[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in read.items() if not name.startswith(_BY_PLACE)}


def _told(one: str, many: str, telling: Telling) -> list[Leak]:
    leaks = [
        Leak("field", f"{name} tells {many} apart", f"p = {telling.p_values[name]:.2g}") for name in telling.telling
    ]
    if telling.is_above_chance:
        numbers = f"{telling.accuracy:.1%} right, chance {telling.chance:.1%}"
        leaks.append(Leak("classifier", f"the {one} is guessed better than by chance", numbers))
    return leaks
