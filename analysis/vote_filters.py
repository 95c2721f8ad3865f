"""Which votes of a study somebody wants to see: the form, the sentence that it makes, and the rows that it chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Q, QuerySet, Sum

from analysis.filter_fields import choice, labelled, labels, number, whole_number
from analysis.votes import is_excluded, live_exclusions
from comparisons.models import Assignment, Matchup, Outcome, Study, Vote
from generation.models import Prompt

WON, LOST = "won", "lost"
FEW = 5_000
"""So many votes are found by what they are about and then sorted; more are read from the newest on."""

_COMPARISON = "assignment__comparison__"
_JOB = f"{_COMPARISON}image_a__job__"
_OUTCOMES = {WON: "system won", LOST: "system lost", **dict(Outcome.choices)}


class VoteFilterForm(forms.Form):
    """Every field may be empty, and all can be combined."""

    prompt = number("Prompt no.")
    session = number("Rater no.")
    excluded = choice("excluded", ["yes", "no"])
    late = choice("late", ["yes", "no"])

    field_order = ("question", "system", "opponent", "outcome", "category", "challenge")

    def __init__(self, study: Study, data: Mapping[str, Any]) -> None:
        super().__init__(data, auto_id="filter-%s")
        self.study = study
        systems = list(study.systems.order_by("slug").values_list("slug", flat=True))
        self.fields["question"] = choice("question", [question.key for question in study.ordered_questions])
        self.fields["system"] = choice("system", systems)
        self.fields["opponent"] = choice("opponent", systems)
        self.fields["outcome"] = choice("outcome", _OUTCOMES, _OUTCOMES)
        for name in ("category", "challenge"):
            self.fields[name] = choice(name, labels(study, name))
        self.order_fields(self.field_order)

    def clean_prompt(self) -> Prompt | None:
        if not self.cleaned_data["prompt"]:
            return None
        position = whole_number("prompt", self.cleaned_data["prompt"])
        if found := self.study.prompt_set.prompts.filter(position=position).first():
            return found
        last = self.study.prompt_set.prompts.count() - 1
        raise forms.ValidationError(f"prompt is {position}; this study has prompts 0 to {last}.")

    def clean_session(self) -> int | None:
        if not self.cleaned_data["session"]:
            return None
        session = whole_number("session", self.cleaned_data["session"])
        if not self.study.sessions.filter(id=session).exists():
            raise forms.ValidationError(f"session is {session}; this study has no rater of this number.")
        return session

    def clean(self) -> dict[str, Any]:
        chosen = self.cleaned_data
        system, outcome = chosen.get("system"), chosen.get("outcome")
        if system and system == chosen.get("opponent"):
            self.add_error("opponent", f"opponent is {system!r}, which is the system; choose another.")
        if outcome in {WON, LOST} and not system and "system" not in self.errors:
            self.add_error("outcome", f"outcome is {outcome!r}; choose the system that {outcome}, too.")
        return chosen

    @property
    def sentence(self) -> str:
        """What the form chooses, in words."""
        return sentence(self.cleaned_data)


def sentence(chosen: Mapping[str, Any]) -> str:
    systems = [chosen[name] for name in ("system", "opponent") if chosen[name]]
    about = [
        f"on {chosen['question']}" if chosen["question"] else "",
        f"about {' against '.join(systems)}" if systems else "",
        _answered(chosen["outcome"], chosen["system"]),
        *(f"of {name} {chosen[name]}" for name in ("category", "challenge") if chosen[name]),
        f"on prompt {chosen['prompt'].position}" if chosen["prompt"] else "",
        f"by rater {chosen['session']}" if chosen["session"] is not None else "",
        {"yes": "that are excluded", "no": "that are not excluded"}.get(chosen["excluded"], ""),
        {"yes": "that came late", "no": "that came in time"}.get(chosen["late"], ""),
    ]
    return " ".join(["Votes", *filter(None, about)]) if any(about) else "All votes"


def _answered(outcome: str, system: str) -> str:
    if outcome in {WON, LOST}:
        return f"that {system} {outcome}"
    return f"with the answer {_OUTCOMES[outcome].lower()}" if outcome else ""


def chosen_votes(study: Study, chosen: Mapping[str, Any]) -> QuerySet[Vote]:
    """The judgements that stand and that the form chooses, in no order."""
    votes = Vote.objects.standing().filter(**{f"{_COMPARISON}question__study": study})
    if chosen["question"] or chosen["system"] or chosen["opponent"]:
        matchups = _matchups(study, chosen).values_list("id", flat=True)
        votes = votes.filter(**{f"{_COMPARISON}matchup__in": list(matchups)})
    for name in ("category", "challenge"):
        if chosen[name]:
            votes = votes.filter(labelled(f"{_JOB}prompt__{name}", chosen[name]))
    if chosen["prompt"]:
        votes = votes.filter(**{f"{_JOB}prompt": chosen["prompt"]})
    if chosen["session"] is not None:
        votes = votes.filter(assignment__session=chosen["session"])
    if chosen["outcome"]:
        votes = votes.filter(_with_outcome(chosen["outcome"], chosen["system"]))
    if chosen["late"]:
        votes = votes.filter(late=chosen["late"] == "yes")
    if chosen["excluded"]:
        votes = votes.filter(Q(id__in=_excluded(study)) if chosen["excluded"] == "yes" else ~is_excluded())
    return votes


def _excluded(study: Study) -> QuerySet[Vote, Any]:
    """Their ids, from the exclusions on: to ask of each vote whether it has one would take a look at all votes."""
    live = live_exclusions(study)
    single = Vote.objects.filter(id__in=live.exclude(vote=None).values("vote"))
    of_raters = Vote.objects.filter(assignment__session__in=live.exclude(session=None).values("session"))
    return single.order_by().values("id").union(of_raters.order_by().values("id"))


def expected_count(study: Study, chosen: Mapping[str, Any]) -> int:
    """About how many votes the form chooses at most, from a few rows of counters and from what is rare."""
    totals = _matchups(study, chosen).aggregate(a_left=Sum("a_left", default=0), b_left=Sum("b_left", default=0))
    prompts = study.prompt_set.prompts
    matching = prompts.filter(id=chosen["prompt"].id) if chosen["prompt"] else prompts.all()
    for name in ("category", "challenge"):
        if chosen[name]:
            matching = matching.filter(labelled(name, chosen[name]))
    counts: list[int] = [(totals["a_left"] + totals["b_left"]) * matching.count() // max(prompts.count(), 1)]
    if chosen["session"] is not None:
        counts.append(Assignment.objects.filter(session=chosen["session"]).count())
    if chosen["late"] == "yes":
        counts.append(Vote.objects.filter(late=True).count())
    if chosen["excluded"] == "yes":
        live = live_exclusions(study)
        of_raters = Assignment.objects.filter(session__in=live.exclude(session=None).values("session"))
        counts.append(live.exclude(vote=None).count() + of_raters.count())
    return min(counts)


def _matchups(study: Study, chosen: Mapping[str, Any]) -> QuerySet[Matchup]:
    found = Matchup.objects.filter(question__study=study)
    if chosen["question"]:
        found = found.filter(question__key=chosen["question"])
    for name in ("system", "opponent"):
        if chosen[name]:
            found = found.filter(Q(system_a__slug=chosen[name]) | Q(system_b__slug=chosen[name]))
    return found


def _with_outcome(outcome: str, system: str) -> Q:
    if outcome not in {WON, LOST}:
        return Q(outcome=outcome)
    left, right = Outcome.LEFT, Outcome.RIGHT
    a_is_chosen = Q(assignment__a_is_left=True, outcome=left) | Q(assignment__a_is_left=False, outcome=right)
    b_is_chosen = Q(assignment__a_is_left=True, outcome=right) | Q(assignment__a_is_left=False, outcome=left)
    is_a = Q(**{f"{_COMPARISON}image_a__job__system__slug": system})
    if outcome == WON:
        return (is_a & a_is_chosen) | (~is_a & b_is_chosen)
    return (is_a & b_is_chosen) | (~is_a & a_is_chosen)
