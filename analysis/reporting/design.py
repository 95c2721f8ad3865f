"""How the study was made: its protocol, in full sentences, from the frozen design."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from analysis.reporting.blocks import (
    Block,
    Cell,
    Definitions,
    Heading,
    Items,
    Paragraph,
    code,
    count,
    definitions,
    table,
    words,
)
from analysis.reporting.source import Source
from analysis.stats.errors import counted, listed
from comparisons.models import Question, Study
from comparisons.rules import FEWEST, FEWEST_REPEATS
from comparisons.sessions import TRIES

_ORDERS = {
    "balanced": "The next pair of systems was drawn at random among the pairs with the fewest votes so far, so that "
    "all pairs filled evenly.",
    "uniform": "The next pair of systems was drawn at random, every pair that still wanted votes being equally likely.",
}
_PAIRS = {
    "corrupted": "a picture beside a copy of it so coarse that nothing can be seen; the picture is right",
    "mismatched": "a picture beside one that its system made of another prompt; the former is right",
    "same": "one picture twice; a tie is right where it was offered",
    "gold": "a pair whose answer the researchers hold to be beyond doubt; nobody voted on it",
}
_RULES = {
    "failed_checks": "a rater who failed {} attention checks or more",
    "response_floor_ms": "answers to pairs that were answered faster than {} ms, with the time of answers taken back",
    "fast_share": "a rater who answered a share above {} of the pairs faster than that",
    "straight_line": "a rater who gave {} answers or more on one side in a row",
    "side_bias_p": "a rater whose left and right answers have p below {} in an exact binomial test of one half",
    "self_consistency": "a rater whose share of repeated pairs answered alike is below {} by an exact one-sided "
    "binomial test at 5%",
    "agreement": "a rater whose share of agreement with the majority of the others is below {} by the same test",
}
_TOGETHER = (
    "A pair's time is that of all the answers on its screen; runs and sides are counted by question, and the least p "
    "is multiplied by the number of questions."
)


def design_blocks(source: Source) -> Iterator[Block]:
    study = source.study
    yield Heading("Design")
    yield Paragraph(
        "Raters saw a text and two images made from it by two systems, side by side, and answered one question about "
        f"them. Both images were shown at {study.display_px} by {study.display_px} pixels, and together: neither "
        "appeared before both were decoded, and the clock of the answer started then."
    )
    yield _questions(study)
    yield Heading("Blindness", 2)
    yield Paragraph(
        "Nothing that a rater's browser received named a system, a model or a number of steps. Image addresses were "
        "random and valid for one pair of one rater; all images of the study were sent with the same format, without "
        "metadata, and with the same number of bytes. A study text that names a system is refused by the platform."
    )
    yield Heading("Pairs, order and sides", 2)
    yield Paragraph(" ".join(_order(study)))
    yield Paragraph(
        "Within a pair of systems the prompt was drawn among those with the fewest votes. Which system stood left was "
        "balanced for each pair of systems and question: the one that had been left less often went left, and a "
        "random draw decided where both were even. Every assignment is stored with its side order and with the "
        "probability of its draw."
    )
    yield _quotas(source)
    yield Heading("Before judging, checks and rules", 2)
    yield from _protocol(study)


def _questions(study: Study) -> Block:
    rows = [
        (words(question.key), words(question.wording), words(listed(_answers(question))))
        for question in study.ordered_questions
    ]
    return table("questions", "The questions, in their order.", ["Question", "Wording", "Answers"], rows)


def _answers(question: Question) -> list[str]:
    return [outcome.replace("_", " ") for outcome in question.outcomes()]


def _order(study: Study) -> Iterator[str]:
    several = study.questions.count() > 1
    if several and study.protocol.asks_together:
        yield "All questions about a pair were asked on one screen, one after the other."
    elif several:
        yield "Questions were asked in blocks, one after the other, each announced to the rater."
    yield _ORDERS[study.matchmaking]
    yield f"{counted(study.votes_wanted, 'vote')} of different raters {'was' if study.votes_wanted == 1 else 'were'} "
    yield "wanted for each question and pair of images."
    if study.judgements_per_question:
        yield f"One rater judged at most {study.judgements_per_question} pairs of each question, none of them twice."
    else:
        yield "One rater could judge every pair of images once."


def _quotas(source: Source) -> Block:
    rows = [
        (
            words(quota["question"]),
            count(quota["comparisons"]),
            count(quota["votes_wanted"]),
            count(quota["votes_on_time"]),
            Cell(f"{quota['shown_left']} to {quota['shown_right']}", (quota["shown_left"], quota["shown_right"])),
        )
        for quota in source.facts["raters"]["quotas"]
    ]
    titles = ["Question", "#Pairs of images", "#Votes wanted", "#Votes on time", "#Left, by system"]
    caption = (
        "Quotas. The last column is how evenly sides fell in votes on time: over all pairs of systems, how often the "
        "one that was left less often stood left, and how often the other."
    )
    return table("quotas", caption, titles, rows)


def _protocol(study: Study) -> Iterator[Block]:
    protocol = study.protocol
    steps = ["consent"]
    steps += ["instructions" + (" with examples" if protocol.examples else "")] if protocol.instructions else []
    if protocol.comprehension:
        tries = f"{TRIES} tries, after which a rater was screened out"
        steps.append(f"a comprehension check ({counted(len(protocol.comprehension), 'question')}, {tries})")
    practice = sum(len(question.practice) for question in study.ordered_questions)
    steps += [f"{counted(practice, 'practice pair')} with feedback, not counted"] if practice else []
    pause = f", with a break offered after every {protocol.break_every} answers" if protocol.break_every else ""
    yield Paragraph(f"Raters went through {'; '.join(steps)}; and judging{pause}.")
    yield from _checks(study)
    yield from _rules(study)
    yield _settings(study)


def _checks(study: Study) -> Iterator[Block]:
    checks = study.protocol.checks
    kinds = {kind: [q.key for q in study.ordered_questions if kind in q.checks] for kind in _PAIRS}
    used = [f"{_PAIRS[kind]} ({listed(keys)})" for kind, keys in kinds.items() if keys]
    if used:
        yield Paragraph(
            f"One attention check came at a random place in every run of {checks.every} judgements, never first, and "
            "looked like any other pair. Checks are answers, not votes: no number counts them. Their kinds were:"
        )
        yield Items(tuple(f"{text[0].upper()}{text[1:]}." for text in used))
    else:
        yield Paragraph("There were no attention checks.")
    if checks.repeats:
        pairs = counted(checks.repeats, "pair")
        yield Paragraph(f"{pairs} of each question came a second time with sides exchanged, which is no vote either.")
    if checks.stop_after_failed:
        yield Paragraph(f"The session of a rater who failed {checks.stop_after_failed} checks ended there.")


def _rules(study: Study) -> Iterator[Block]:
    rules = {name: limit for name, limit in asdict(study.protocol.rules).items() if limit is not None}
    if not rules:
        yield Paragraph("The design has no rules about whose answers are left out.")
        return
    yield Paragraph(
        "Rules, frozen with the design before the first vote, leave out of the analysis (shares from "
        f"{FEWEST} pairs or answers on, repeats from {FEWEST_REPEATS}; no failure of the network or the site is a "
        "reason):"
    )
    yield Items(tuple(f"{_RULES[name].format(limit)} ({name} = {limit})".capitalize() for name, limit in rules.items()))
    if study.protocol.asks_together and study.questions.count() > 1:
        yield Paragraph(_TOGETHER)


def _settings(study: Study) -> Definitions:
    return definitions(
        ("Seed", code(str(study.seed))),
        ("Matchmaking", code(study.matchmaking)),
        ("Layout", code(study.protocol.layout)),
        ("Ground of the pages", code(study.protocol.theme)),
    )
