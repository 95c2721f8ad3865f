"""What the page of a study's recruitment says: the way in, what is promised, how many may come, what is amiss."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import translation

from analysis import crowds
from comparisons import admission, recruitment
from comparisons.admission import Refusal
from comparisons.assignments import plans_of
from comparisons.judging import introduction
from comparisons.models import Comparison, RaterSession, Study
from comparisons.progress import rating_progress

Stage = RaterSession.Stage
ADVICE = {  # for the endings in Prolific's form
    Stage.COMPLETED: "Review by hand, if the books are to be compared before anybody is paid",
    Stage.SCREENED_OUT: "The fixed payment for screening out, or a return: never a rejection",
    Stage.FAILED: "Review by hand",
}
HANDED_IN = "On the last page, to be handed in to you"


@dataclass(frozen=True)
class Ending:
    name: str
    key: str  # as results have it
    code: str  # empty: each session has its own
    advice: str  # for the platform's form
    never: str  # why nobody ends like this; empty where somebody may


@dataclass(frozen=True)
class Limits:
    """How many may come, and how many are needed."""

    places: int | None  # None: not limited
    taken: int
    votes: int
    wanted: int
    each: int  # votes that one person is asked for

    @property
    def free(self) -> int:
        return max(0, (self.places or 0) - self.taken)

    @property
    def people_needed(self) -> int | None:
        """To the end, where everybody completes it; None while there is nothing to judge."""
        return math.ceil(max(0, self.wanted - self.votes) / self.each) if self.each else None


@dataclass(frozen=True)
class Reading:
    """What somebody new reads, in the study's language, and when."""

    when: str
    sentence: str


def content(study: Study, address: str) -> dict[str, Any]:
    """`address` is that of the study's first page, as whoever asks sees this site."""
    limits, refusal = _limits(study), admission.refusal(study)
    promised = introduction(study)
    return {
        "study": study,
        "preview_key": f"study-{study.slug}",
        "address": address,
        "entrance": recruitment.entrance(study, address),
        "platform": recruitment.NAMES.get(study.protocol.recruitment.platform, ""),
        "endings": endings(study),
        "has_codes": any(recruitment.study_codes(study).values()),
        "judgements": promised["judgements"],
        "minutes": promised["minutes"],
        "limits": limits,
        "attendance": crowds.attendance(study),
        "readings": _readings(study, refusal),
        "is_admitting": refusal is None,
        "cautions": list(cautions(study, address, refusal)),
    }


def endings(study: Study) -> list[Ending]:
    protocol, codes = study.protocol, recruitment.study_codes(study)
    never = {
        Stage.SCREENED_OUT: "" if protocol.comprehension else "the study has no comprehension check",
        Stage.FAILED: "" if protocol.checks.stop_after_failed else "failed checks end no session of this study",
    }
    advice = ADVICE if protocol.recruitment.platform == "prolific" else dict.fromkeys(codes, HANDED_IN)
    return [
        Ending(crowds.name(ending), ending, codes[ending], advice[ending], never.get(ending, ""))
        for ending in RaterSession.ENDINGS
    ]


def cautions(study: Study, address: str, refusal: Refusal | None) -> Iterator[str]:
    """What is to be mended before people come."""
    yield from _about_the_study(study, refusal)
    yield from _about_the_site(study, address)
    yield from _about_the_promise(study)


def _about_the_study(study: Study, refusal: Refusal | None) -> Iterator[str]:
    sender = recruitment.NAMES.get(study.protocol.recruitment.platform)
    stop = f" Stop it on {sender}, too." if sender else ""
    sentences = {
        Refusal.NOT_BEGUN: "The study is a draft: whoever comes is turned away until it is opened. Its address stays.",
        Refusal.FULL: f"All places are taken: whoever is new is turned away.{stop}",
        Refusal.NOTHING_LEFT: "No pair is free now: whoever is new is turned away.",
        Refusal.CLOSED: f"The study is closed: whoever is new is turned away.{stop}",
    }
    if refusal:
        yield sentences[refusal]
    there, wanted = _pairs(study)
    if study.state == Study.State.OPEN and there < wanted:
        yield (
            f"Only {there} of {wanted} pairs have both of their images: who comes now may be asked for less than who "
            "comes later, and does not see the rest."
        )


def _about_the_site(study: Study, address: str) -> Iterator[str]:
    site = urlsplit(address)
    if _is_local(site.hostname or ""):
        yield (
            f"You have opened this site as {site.netloc}, which nobody outside reaches: open this page at the site’s "
            "public address, and what is to be copied below has that."
        )
    elif site.scheme != "https":
        is_shown = study.protocol.recruitment.platform != "mturk"
        because = "others can read along" if is_shown else "Mechanical Turk shows no such page"
        yield f"The site’s address begins with http, and {because}: set up HTTPS before people come."
    if settings.DEBUG:
        yield "DEBUG is on: whoever meets an error reads how the site is set up. Start it without DEBUG."


def _about_the_promise(study: Study) -> Iterator[str]:
    found = study.protocol.recruitment
    if found.platform not in recruitment.NAMES:
        return
    is_frozen = study.state != Study.State.DRAFT
    where = f"on {recruitment.NAMES[found.platform]}, as the design is frozen" if is_frozen else "in the design"
    if not found.pay:
        yield f"Before they agree, people read nothing of their pay (recruitment.pay is empty): say it {where}."
    if not found.contact:
        yield f"Before they agree, people read nobody to turn to (recruitment.contact is empty): say it {where}."


def _is_local(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local"))


def _pairs(study: Study) -> tuple[int, int]:
    """Of all questions: those that are there so far, and those that will be; with the pairs that nobody votes on."""
    systems, questions = study.systems.count(), study.ordered_questions
    wanted = len(questions) * study.prompt_set.prompts.count() * (systems * (systems - 1) // 2)
    return Comparison.objects.filter(question__study=study).count(), wanted


def _limits(study: Study) -> Limits:
    rows = rating_progress(study)
    each = sum(plan.judgements for _question, plan in plans_of(study, seed=""))
    if study.protocol.asks_together:
        each *= len(study.ordered_questions)
    return Limits(
        places=study.protocol.recruitment.max_raters,
        taken=study.admitted,
        votes=sum(row.votes for row in rows),
        wanted=sum(row.wanted for row in rows),
        each=each,
    )


def _readings(study: Study, now: Refusal | None) -> Sequence[Reading]:
    """Now, and at each turn that is still to come."""
    later = {Refusal.NOTHING_LEFT: "when no pair is free", Refusal.CLOSED: "when the study is closed"}
    if study.protocol.recruitment.max_raters:
        later = {Refusal.FULL: "when all places are taken"} | later
    if study.state == Study.State.CLOSED:
        later = {}
    turns = ({now: "now"} if now else {}) | {turn: when for turn, when in later.items() if turn != now}
    with translation.override(study.protocol.language):
        return [Reading(when, admission.sentence(turn)) for turn, when in turns.items()]
