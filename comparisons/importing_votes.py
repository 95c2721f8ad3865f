"""Votes that were given elsewhere on this study's own images: all that are brought are taken, or none.

They are stored as if they had been given here: each with a lease that was answered, in a place of its comparison.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import IntegrityError
from django.utils import timezone

from comparisons.imported_raters import PLATFORM, known_raters, name_hash
from comparisons.leases import release_expired
from comparisons.models import Comparison, Study, Vote
from comparisons.storing_imported import Entry, Pair, Taken, VoteRow, store
from comparisons.studies import StudyError, build_comparisons
from comparisons.voting import MAX_RESPONSE_MS

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
TRIES = 3  # while raters take places that had been free
_SHOWN = 60  # characters of a wrong value

Problems = defaultdict[str, list[int]]
PairKey = tuple[str, str, str, str]


class Imported(NamedTuple):
    new: int
    there_already: int


class VotesRefused(Exception):
    """What is wrong, each with the places of its rows, from 0."""

    def __init__(self, problems: Mapping[str, Sequence[int]]) -> None:
        super().__init__(problems)
        self.problems = problems


def import_votes(study: Study, rows: Sequence[VoteRow], note: Callable[[int], None]) -> Imported:
    """Store what is not there yet. `note` is told how many, in the transaction that stores them, if there are any.

    Raises VotesRefused for rows that are wrong, StudyError for a study that takes no votes: then nothing is stored.
    """
    for _ in range(TRIES):
        _check_state(study)
        build_comparisons(study)
        release_expired()
        new = _Matching(study).new_ones(rows)
        try:
            if new:
                store(study, new, note)
        except (Taken, IntegrityError):  # by raters who judge, or by another file of the same raters
            continue
        return Imported(len(new), len(rows) - len(new))
    raise StudyError(
        f"Nothing was imported: each of {TRIES} times others were faster to take places of these comparisons of study "
        f"{study.slug!r}. Try again."
    )


def _check_state(study: Study) -> None:
    study.refresh_from_db(fields=["state"])
    if study.state == Study.State.DRAFT:
        raise StudyError(f"Study {study.slug!r} is a draft: open it first with open_study {study.slug}.")
    if study.state == Study.State.CLOSED:
        raise StudyError(f"Study {study.slug!r} is closed: only an open study takes votes.")


class _Matching:
    """Rows beside what the study has, as it is now."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.outcomes = {question.key: question.outcomes() for question in study.ordered_questions}
        self.systems = list(study.systems.order_by("slug").values_list("slug", flat=True))
        self.prompts = list(map(str, study.prompt_set.prompts.order_by("position").values_list("position", flat=True)))
        self.known_prompts = set(self.prompts)
        self.pairs = _pairs(study)
        self.stored = _stored(study)
        self.now = timezone.now()
        self.problems: Problems = defaultdict(list)

    def new_ones(self, rows: Sequence[VoteRow]) -> list[Entry]:
        """Raises VotesRefused."""
        hashes = {name: name_hash(self.study, name) for name in {row.rater for row in rows}}
        self._check_kinds(rows, hashes)
        matched = {}
        for place, row in enumerate(rows):
            wrong = list(self._wrong(row))
            pair = self.pairs.get(_pair_key(row.question, row.prompt_id, row.system_left, row.system_right))
            if not wrong and pair is None:
                wrong = [self._without_images(row)]
            for what in wrong:
                self.problems[what].append(place)
            if pair and not wrong:
                matched[place] = Entry(row, pair, row.system_left == pair.a, hashes[row.rater])
        once = self._without_repeats(matched)
        new = {place: entry for place, entry in once.items() if not self._is_there(place, entry)}
        self._check_places(new)
        if self.problems:
            raise VotesRefused(self.problems)
        return list(new.values())

    def _wrong(self, row: VoteRow) -> Iterator[str]:
        """With the row by itself."""
        if row.question not in self.outcomes:
            yield f"question is {_quoted(row.question)}; allowed: {', '.join(self.outcomes)}"
        elif row.outcome not in (offered := self.outcomes[row.question]):
            yield f"outcome is {_quoted(row.outcome)}; question {row.question} offers {', '.join(offered)}"
        if row.prompt_id not in self.known_prompts:
            allowed = f"{self.prompts[0]} to {self.prompts[-1]}, a prompt's place in the study's prompt set"
            yield f"prompt_id is {_quoted(row.prompt_id)}; allowed: {allowed}"
        for side, system in (("system_left", row.system_left), ("system_right", row.system_right)):
            if system not in self.systems:
                yield f"{side} is {_quoted(system)}; allowed: {', '.join(self.systems)}"
        if not EARLIEST <= row.answered_at <= self.now:
            yield f"answered_at is {row.answered_at.isoformat()}; allowed: from {EARLIEST.year} until now"
        if not 0 <= row.response_ms <= MAX_RESPONSE_MS:
            yield f"response_ms is {_quoted(str(row.response_ms))}; allowed: milliseconds from 0 to {MAX_RESPONSE_MS}"

    def _without_images(self, row: VoteRow) -> str:
        slug = self.study.slug
        return (
            f"{_named(row)} cannot be compared yet, as an image is missing: make it with generate {slug}, or bring it "
            f"with import_images {slug}"
        )

    def _check_kinds(self, rows: Sequence[VoteRow], hashes: Mapping[str, str]) -> None:
        kinds = {worker_hash: one.kind for worker_hash, one in known_raters(self.study).items()}
        for place, row in enumerate(rows):
            kind = kinds.setdefault(hashes[row.rater], row.kind)
            if kind != row.kind:
                who = f"rater {_quoted(row.rater)} is {row.kind}, and {kind} in other votes"
                self.problems[f"{who}; allowed: one rater_kind for each rater"].append(place)

    def _without_repeats(self, matched: Mapping[int, Entry]) -> dict[int, Entry]:
        places: dict[tuple[str, int], list[int]] = defaultdict(list)
        for place, entry in matched.items():
            places[entry.rater, entry.pair.id].append(place)
        for first, *others in places.values():
            if others:
                row = matched[first].row
                what = f"rater {_quoted(row.rater)} judges {_named(row)} more than once"
                self.problems[f"{what}; allowed: one vote of each rater on a comparison"] += [first, *others]
        return {first: matched[first] for first, *_ in places.values()}

    def _is_there(self, place: int, entry: Entry) -> bool:
        stored = self.stored.get((entry.rater, entry.pair.id))
        if stored is None:
            return False
        if stored != (entry.a_is_left, entry.row.outcome):
            a_is_left, outcome = stored
            left = entry.pair.a if a_is_left else entry.pair.b
            who = f"the vote of rater {_quoted(entry.row.rater)} on {_named(entry.row)}"
            what = f"{who} is there already with {left} on the left and outcome {outcome}; a vote never changes"
            self.problems[what].append(place)
        return True

    def _check_places(self, new: Mapping[int, Entry]) -> None:
        rows: dict[Pair, list[int]] = defaultdict(list)
        for place, entry in new.items():
            if not entry.pair.wanted or not entry.row.late:
                rows[entry.pair].append(place)
        for pair, places in rows.items():
            if len(places) <= pair.left:
                continue
            name = _named(new[places[0]].row)
            what = f"{name} has {pair.left} of {pair.wanted} places left, and here are {len(places)} new"
            if not pair.wanted:
                what = f"{name} takes no votes: it is an attention check, or shown to raters with its answer"
            self.problems[what] += places


def _pairs(study: Study) -> dict[PairKey, Pair]:
    """The study's comparisons, by what rows call them."""
    rows = Comparison.objects.filter(question__study=study).values_list(
        "question__key",
        "image_a__job__prompt__position",
        "id",
        "image_a__job__system__slug",
        "image_b__job__system__slug",
        "matchup_id",
        "image_a__job__system_id",
        "matchup__system_a_id",
        "question__position",
        "votes_wanted",
        "taken",
    )
    return {
        _pair_key(question, str(prompt), a, b): Pair(
            id=id_,
            a=a,
            b=b,
            matchup=matchup,
            is_in_system_order=system_a == first,
            question=position,
            wanted=wanted,
            left=wanted - taken,
        )
        for question, prompt, id_, a, b, matchup, system_a, first, position, wanted, taken in rows.iterator()
    }


def _stored(study: Study) -> dict[tuple[str, int], tuple[bool, str]]:
    """Votes that were imported before, by rater and comparison: whether image a was left, and the outcome."""
    session = "assignment__session__"
    votes = Vote.objects.filter(**{f"{session}study": study, f"{session}rater__platform": PLATFORM})
    rows = votes.values_list(
        f"{session}rater__worker_hash", "assignment__comparison_id", "assignment__a_is_left", "outcome"
    )
    return {(rater, comparison): (a_is_left, outcome) for rater, comparison, a_is_left, outcome in rows.iterator()}


def _pair_key(question: str, prompt_id: str, system: str, other: str) -> PairKey:
    return question, prompt_id, min(system, other), max(system, other)


def _named(row: VoteRow) -> str:
    pair = " and ".join(sorted((row.system_left, row.system_right)))
    return f"{pair} for prompt {row.prompt_id} under {row.question}"


def _quoted(value: str) -> str:
    return f'"{value if len(value) <= _SHOWN else value[:_SHOWN] + "…"}"'
