"""The results: one part a question, with intervals, ranks, tests, ties, agreement, breakdowns and sensitivity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.reporting.blocks import (
    Block,
    Cell,
    Figure,
    Heading,
    Notice,
    Paragraph,
    Table,
    count,
    interval,
    number,
    probability,
    table,
    words,
)
from analysis.reporting.sensitivity import refusals, standings
from analysis.reporting.source import Source
from analysis.result_charts import Chart, headline_charts
from analysis.results import HeadlineRow, QuestionResult, headline, hidden, question_results
from analysis.stats.errors import counted, listed
from analysis.stats.rows import SystemRow
from analysis.watched import Shown, first_over_questions, shown, shown_slice


def result_blocks(source: Source) -> Iterator[Block]:
    yield Heading("Results")
    if source.study.hides_results:
        yield Paragraph(hidden(source.study))
        return
    if not source.summary["questions"]:
        are_left_out = source.facts["raters"]["excluded_votes"] > 0
        yield Paragraph("No vote counts: all are left out." if are_left_out else "No votes yet.")
        return
    yield from (Notice(warning) for warning in source.summary["warnings"])
    yield from _headline(source)
    for result in question_results(source.study, source.summary, source.breakdowns):
        yield from _question(source, result)
    yield from _sensitivity(source)


def _question(source: Source, result: QuestionResult) -> Iterator[Block]:
    key, people = result.question.key, counted(result.raters, "rater")
    size = f"{counted(result.votes, 'vote')} by {people} on {counted(result.prompts, 'prompt')}."
    yield Heading(key.replace("-", " ").capitalize(), 2)
    yield Paragraph(f"“{result.question.wording}” {size}")
    yield from (Notice(warning) for warning in result.warnings)
    if result.is_watched:
        yield Notice(_watched(result))
    yield _leaderboard(result)
    yield from (_figure(chart) for chart in result.charts)
    yield _pairs(result)
    yield from _counts(result)
    yield Paragraph(" ".join(_agreement(result)))
    yield Paragraph(" ".join(_sides(result)))
    yield from _breakdowns(key, source.breakdowns["questions"].get(key, {}), shown(source.summary["questions"][key]))
    if result.is_watched:
        yield Paragraph("How fragile the first place is comes when the study closes: that is for one look.")
    elif result.fragility:
        yield Paragraph(f"How fragile the first place is. {' '.join(_ended(text) for text in result.fragility)}")


def _headline(source: Source) -> Iterator[Block]:
    """The means of the questions' ratings, where there are two or more to take a mean of."""
    found = headline(source.summary)
    if not found:
        return
    titles = ["#Rank", "Open", "System", "#Bradley–Terry", "#95%", "#Elo"]
    caption = "All questions: the means of their ratings. Intervals allow for the raters and prompts that they share."
    yield table("headline", caption, titles, map(_over_questions, found))
    leader, verdict = first_over_questions(source.summary)
    if verdict:
        whom = f" {leader} leads." if leader else ""
        yield Notice(
            f"The study is open. These intervals and ranks hold however often one looks.{whom} For the first place, "
            f"counted over all questions: {_ended(verdict)}"
        )
    yield from (_figure(chart) for chart in headline_charts(source.summary))


def _over_questions(row: HeadlineRow) -> list[Cell]:
    return [
        number(row["rank"], 0),
        interval(row["rank_low"], row["rank_high"], 0),
        words(row["system"]),
        number(row["bt"], 1),
        interval(row["bt_low"], row["bt_high"], 1),
        number(row["elo"], 1),
    ]


def _watched(result: QuestionResult) -> str:
    leader = f" {result.leader} leads." if result.leader else ""
    return (
        "The study is open. Intervals, ranks and p-values of this part hold however often one looks, and are wider "
        f"than those that come when it closes.{leader} For the first place: {_ended(result.verdict)}"
    )


def _ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _figure(chart: Chart) -> Figure:
    description = f"{chart.specification['description']} The tables of the same results have the numbers."
    return Figure(chart.id, f"{chart.caption}.", description, chart.svg)


def _leaderboard(result: QuestionResult) -> Table:
    titles = ["#Rank", "Open", "System", "#Win rate", "#95%", "#Bradley–Terry", "#95%", "#Elo", "#± order", "#Votes"]
    caption = (
        f"Leaderboard, {result.question.key}. “Open” are the ranks that the votes leave possible, for all systems at "
        "once; “± order” is how much the order of votes alone moves Elo."
    )
    return table(f"{result.question.key}_leaderboard", caption, titles, map(_system, result.leaderboard))


def _system(row: SystemRow) -> list[Cell]:
    return [
        number(row["rank"], 0),
        interval(row["rank_low"], row["rank_high"], 0),
        words(row["system"]),
        number(row["win_rate"], 3),
        interval(row["win_rate_low"], row["win_rate_high"], 3),
        number(row["bt"], 1),
        interval(row["bt_low"], row["bt_high"], 1),
        number(row["elo"], 1),
        number(row["elo_order_sd"], 1),
        count(row["votes"]),
    ]


def _pairs(result: QuestionResult) -> Table:
    titles = ["System", "against", "#Win rate", "#95%", "#p", "#p, Holm", "#Votes"]
    titles += ["To tell them apart"] if result.is_watched else []
    rows = []
    for pair in result.pairs:
        row = [
            words(pair["a"]),
            words(pair["b"]),
            number(pair["win_rate"], 3),
            interval(pair["low"], pair["high"], 3),
            probability(pair["p"]),
            probability(pair["p_holm"]),
            count(pair["votes"]),
        ]
        rows.append([*row, words(pair["verdict"])] if result.is_watched else row)
    caption = f"Pairs, {result.question.key}: how often the system is preferred."
    return table(f"{result.question.key}_pairs", caption, titles, rows)


def _counts(result: QuestionResult) -> Iterator[Table]:
    """What was answered, where more than left and right was."""
    if not (result.ties or result.both_bad):
        return
    rows = [
        [words(pair["a"]), words(pair["b"])]
        + [count(number) for number in (pair["a_wins"], pair["b_wins"], pair["ties"], pair["both_bad"])]
        for pair in result.pairs
    ]
    titles = ["System", "against", "#Wins", "#Losses", "#Ties", "#Both bad"]
    caption = f"Answers, {result.question.key}. A tie is half a win for each; both-bad is in no rating."
    yield table(f"{result.question.key}_answers", caption, titles, rows)


def _agreement(result: QuestionResult) -> Iterator[str]:
    agreement = result.agreement
    if agreement["pairwise"] is None:
        yield "No pair of images has votes of two raters, so that their agreement is not known."
    else:
        yield f"Of two votes on one pair of images, a share of {agreement['pairwise']:.3f} are the same."
        if agreement["alpha"] is not None:
            yield f"Krippendorff’s alpha is {agreement['alpha']:.3f}."
        if agreement["leave_one_out"] is not None:
            share = f"{agreement['leave_one_out']:.3f}"
            yield f"A vote agrees with the majority of the others on its pair in a share of {share}."
    if result.effective_votes is not None:
        yield (
            f"As they share prompts and raters, the votes are worth {result.effective_votes:.0f} independent ones; "
            f"there are {result.effective_prompts:.1f} effective prompts and {result.effective_raters:.1f} effective "
            "raters."
        )


def _sides(result: QuestionResult) -> Iterator[str]:
    bias, offered = result.position_bias, result.question.outcomes()
    if bias["left_share"] is not None:
        bounds = f" ({interval(bias['low'], bias['high'], 3).text})" if bias["low"] is not None else ""
        yield f"The left image was preferred at a rate of {bias['left_share']:.3f}{bounds}; 0.5 is no preference."
    if "tie" in offered:
        yield f"{result.ties} of {result.votes} votes are ties."
    if "both_bad" in offered:
        yield f"{result.both_bad} of {result.votes} votes say that both images are bad."


def _breakdowns(key: str, parts: Mapping[str, Any], now: Shown) -> Iterator[Block]:
    """While a study is open intervals are those of the slices' own rates, which hold at every look."""
    for name, part in parts.get("breakdowns", {}).items():
        if isinstance(part, str):
            yield Paragraph(f"No breakdown by {name}: {part}")
            continue
        whose = "#95% of own" if now.is_watched else "#95%"
        titles = [name.capitalize(), "System", "#Votes in slice", "#Own", "#Pooled", whose]
        rows = [
            [
                words(row["slice"] or "none"),
                words(row["system"]),
                count(row["votes"]),
                number(row["raw"], 3),
                number(row["pooled"], 3),
                interval(row["low"], row["high"], 3),
            ]
            for row in (shown_slice(now, name, each) for each in part["slices"])
        ]
        caption = (
            f"Win rates by {name}, {key}: the slice's own, and one that borrows from the others (empirical Bayes)."
        )
        yield table(f"{key}_by_{name}", caption, titles, rows)
        if now.is_watched:
            yield Paragraph(
                f"Whether win rates differ by {name}, and the intervals of pooled ones, come when the study closes."
            )
            continue
        tested = [row for row in part["systems"] if row["p_holm"] is not None]
        differing = [row["system"] for row in tested if row["p_holm"] < 0.05]
        whom = listed(differing) if differing else "no system"
        yield Paragraph(f"Win rates differ by {name} for {whom} (Cochran’s Q, p < 0.05 after Holm).")


def _sensitivity(source: Source) -> Iterator[Block]:
    otherwise = source.facts["ties_otherwise"]
    if not otherwise:
        return
    columns = {"reported": standings(source.summary), **otherwise}
    found = {name: {(row["question"], row["system"]): row for row in rows} for name, rows in columns.items()}
    rows = []
    for key in found["reported"]:
        cells = []
        for standings_of_it in found.values():
            row = standings_of_it.get(key)
            cells += [number(row["bt"] if row else None, 1), number(row["rank"] if row else None, 0)]
        rows.append([words(key[0]), words(key[1]), *cells])
    titles = [title for name in columns for title in (f"#{name}", "#rank")]
    yield Heading("Sensitivity", 2)
    caption = "Bradley–Terry ratings and ranks with ties as reported (half a win for each) and treated otherwise."
    yield table("sensitivity", caption, ["Question", "System", *titles], rows)
    yield from (Notice(refusal) for refusal in refusals(otherwise))
