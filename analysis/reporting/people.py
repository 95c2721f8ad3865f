"""Who judged, how long it took, what was checked, and what is left out of the analysis."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from analysis.reporting.blocks import Block, Cell, Heading, Paragraph, code, count, definitions, number, table, words
from analysis.reporting.source import Source
from analysis.reporting.systems import spread
from analysis.stats.errors import counted, listed
from comparisons.models import Rater, RaterSession

Stage = RaterSession.Stage
NOT_RECORDED = "not recorded"
_KINDS = {Rater.Kind.PERSON: "People", Rater.Kind.SIMULATED: "Simulated"}
PLATFORMS = {
    "link": "by a link that anybody could follow",
    "invitation": "by invitations, one for each person",
    "prolific": "on Prolific",
    "mturk": "on Amazon Mechanical Turk",
}
_PROBLEMS = {"broken": "broken image", "offensive": "offensive content", "other": "something else"}


def rater_blocks(source: Source) -> Iterator[Block]:
    found, recruitment = source.facts["raters"], source.study.protocol.recruitment
    yield Heading("Raters")
    yield definitions(
        ("Recruited", PLATFORMS[recruitment.platform]),
        ("Pay", recruitment.pay or f"{NOT_RECORDED}: recruitment.pay of the study file"),
        ("Contact", recruitment.contact or f"{NOT_RECORDED}: recruitment.contact of the study file"),
        ("Places", str(recruitment.max_raters or "not limited")),
        ("Language of the pages", code(source.study.protocol.language)),
        ("First and last vote", _span(found["first_vote"], found["last_vote"])),
        ("Consent text", _consents(source)),
    )
    rows = [
        (
            words(_KINDS[Rater.Kind(crowd["kind"])] + (", elsewhere" if crowd["is_imported"] else "")),
            count(crowd["raters"]),
            count(crowd["votes"]),
            count(crowd["late_votes"]),
        )
        for crowd in found["crowds"]
    ]
    if rows:
        caption = "Who voted. Late votes came after their pair had been given to somebody else; they count like others."
        yield table("raters", caption, ["Raters", "#Number", "#Votes", "#Late"], rows)
    else:
        yield Paragraph("Nobody has voted yet.")
    if source.imported_votes:
        yield Paragraph(
            f"{source.imported_votes} of {source.votes} votes were made elsewhere and imported. Consent, stages and "
            f"checks are those of the others: what their raters agreed to, read and were paid is {NOT_RECORDED}."
        )
    yield from _ways(source)
    yield from _times(source)


def exclusion_blocks(source: Source) -> Iterator[Block]:
    found = source.facts["raters"]
    yield Heading("Checks and exclusions")
    yield from _checks(source)
    votes = found["excluded_votes"]
    yield Paragraph(
        f"{counted(votes, 'vote')} of {source.votes} {'is' if votes == 1 else 'are'} excluded from the results. Votes "
        "are never deleted: an exclusion is a record with its reason, and can be revoked."
    )
    rows = [
        (words(row["rule"] or "decided by a person"), count(row["sessions"]), count(row["votes"]))
        for row in found["exclusions"]
    ]
    if rows:
        caption = "Exclusions in force, of whole raters and of single votes."
        yield table("exclusions", caption, ["By", "#Raters", "#Single votes"], rows)
        if not source.study.hides_results:
            yield _with_and_without(source)
    reports = [f"{counted(number, 'time')} {_PROBLEMS[problem]}" for problem, number in found["reports"].items()]
    if reports:
        yield Paragraph(f"Raters reported pairs that cannot be judged ({listed(reports)}); a report is no vote.")
    if found["taken_back"]:
        yield Paragraph(f"{counted(found['taken_back'], 'answer')} was taken back by its rater and given anew.")


def _span(first: str | None, last: str | None) -> str:
    if first is None or last is None:
        return "none yet"
    days = [f"{datetime.fromisoformat(time):%-d %B %Y}" for time in (first, last)]
    return days[0] if days[0] == days[1] else f"{days[0]} to {days[1]}"


def _consents(source: Source) -> Cell:
    """Everybody agreed to one text, unless somebody changed it in the database."""
    agreed = source.facts["raters"]["consents"]
    now = hashlib.sha256(source.study.consent_text.encode()).hexdigest()
    if set(agreed) <= {now}:
        return code(f"SHA-256 {now}")
    return code("; ".join(f"SHA-256 {version}: {counted(number, 'rater')}" for version, number in agreed.items()))


def _ways(source: Source) -> Iterator[Block]:
    stages = dict(source.facts["raters"]["stages"])
    if not stages:
        return
    total = sum(stages.values())
    ended = [
        f"{stages.pop(stage, 0)} {text}"
        for stage, text in {
            Stage.COMPLETED: "finished",
            Stage.SCREENED_OUT: "were screened out by the comprehension check",
            Stage.FAILED: "ended after too many failed checks",
        }.items()
        if stages.get(stage)
    ]
    rest = sum(stages.values())
    ended += [f"{rest} left before the end or are still at it"] if rest else []
    yield Paragraph(f"{counted(total, 'rater')} agreed to take part: {listed(ended)}.")
    if tries := source.facts["raters"]["second_tries"]:
        yield Paragraph(f"{counted(tries, 'rater')} needed the second try of the comprehension check.")


def _times(source: Source) -> Iterator[Block]:
    found = source.facts["raters"]
    rows = [
        (words(label), count(each["count"]), spread(each, 1))
        for label, each in [
            ("Votes of a rater", found["votes_per_rater"]),
            ("Minutes from consent to the end, of those who finished", found["minutes_per_session"]),
            *((f"Seconds of an answer: {key}", each) for key, each in found["seconds_per_answer"].items()),
        ]
        if each
    ]
    if rows:
        yield table("times", "Work and time: median (quartiles).", ["", "#Of", "#Median (quartiles)"], rows)


def _checks(source: Source) -> Iterator[Block]:
    found = source.facts["raters"]
    rows = [
        (
            words(row["question"]),
            words(row["kind"]),
            count(row["answered"]),
            count(row["failed"]),
            number(1 - row["failed"] / row["answered"], 3),
        )
        for row in found["checks"]
    ]
    if rows:
        titles = ["Question", "Kind", "#Answered", "#Failed", "#Share passed"]
        yield table("checks", "Attention checks, by all raters.", titles, rows)
    if found["repeats"]:
        alike, asked = found["consistent_repeats"], found["repeats"]
        yield Paragraph(f"{alike} of {asked} repeated pairs ({alike / asked:.3f}) were answered alike.")


def _with_and_without(source: Source) -> Block:
    counted_only = {
        (key, row["system"]): row for key, found in source.summary["questions"].items() for row in found["systems"]
    }
    rows = []
    for key, found in source.everything["questions"].items():
        for row in found["systems"]:
            kept = counted_only.get((key, row["system"]))
            rates = (kept["win_rate"] if kept else None, row["win_rate"])
            ranks = (kept["rank"] if kept else None, row["rank"])
            rows.append(
                (words(key), words(row["system"]), *(number(v, 3) for v in rates), *(number(v, 0) for v in ranks))
            )
    titles = ["Question", "System", "#Win rate", "#With all votes", "#Rank", "#With all votes"]
    caption = "Results as reported, and as they would be if nothing had been excluded."
    return table("with_and_without_exclusions", caption, titles, rows)
