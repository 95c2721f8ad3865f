"""What was asked for besides a question's ratings, for a terminal. A part that there is not is the sentence why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from analysis.stats.errors import counted, listed
from analysis.stats.rows import QuestionSummary
from analysis.stats.text_tables import ABSENT, number, table, with_interval

_DRAWN = {"two-way": "prompts and raters"}
_ANOMALOUS = 0.05  # after Holm's correction over all raters


def requested(question: QuestionSummary) -> Iterator[str]:
    yield from _titled("Bootstrap", question.get("bootstrap"), _bootstrap)
    yield from _titled("With a ridge", question.get("ridge"), _ridge)
    yield from _titled("Weighted by inverse probability", question.get("weighted"), _weighted)
    yield from _titled("With covariates", question.get("contextual"), _contextual)
    yield from _titled("At planned looks", question.get("planned_looks"), _planned_looks)
    yield from _titled("Valid at every look", question.get("always_valid"), _always_valid)
    yield from _titled("Fragility of the conclusion", question.get("conclusion"), _conclusion)
    if "details" in question:
        yield from _details(question["details"])


def _titled(title: str, part: Any, lines: Callable[[Any], Iterator[str]]) -> Iterator[str]:
    if part is None:
        return
    yield from ("", title)
    if isinstance(part, str):
        yield part
    else:
        yield from lines(part)


def _bootstrap(part: dict[str, Any]) -> Iterator[str]:
    yield f"{part['draws']} draws of {_DRAWN.get(part['by'], part['by'])}; 95% percentile intervals."
    rows = [
        [
            row["system"],
            _between(row["bt_low"], row["bt_high"], ".0f"),
            _between(row["win_rate_low"], row["win_rate_high"], ".3f"),
        ]
        for row in part["systems"]
    ]
    yield from table(["system", "Bradley-Terry", "win rate"], rows)
    yield from (f"Warning: {warning}" for warning in part["warnings"])


def _ridge(part: dict[str, Any]) -> Iterator[str]:
    yield (
        f"Ridge {part['ridge']:g}: a normal prior with a standard deviation of {part['prior_sd']:.0f} points, "
        "which moves ratings by what no vote says. There is no interval."
    )
    yield from table(["system", "Bradley-Terry"], [[row["system"], f"{row['bt']:.0f}"] for row in part["systems"]])


def _weighted(part: dict[str, Any]) -> Iterator[str]:
    yield f"By the column {part['by']}; weights leave the votes of {part['effective_votes']:.0f}."
    rows = [[row["system"], _estimate(row, "bt", ".0f"), _estimate(row, "win_rate", ".3f")] for row in part["systems"]]
    yield from table(["system", "Bradley-Terry", "share of votes"], rows)
    yield from (f"Warning: {warning}" for warning in part["warnings"])


def _contextual(part: dict[str, Any]) -> Iterator[str]:
    extras = [f"weighted by inverse {part['weights']}"] if part["weights"] else []
    extras += [f"slices drawn together by a ridge of {part['ridge']:g}"] if part["ridge"] and part["slices"] else []
    yield f"Bradley-Terry by {'; '.join([listed(part['covariates']), *extras])}."
    yield from table(["system", "mean"], [[row["system"], _estimate(row, "bt", ".0f")] for row in part["systems"]])
    if part["slices"]:
        yield ""
        rows = [
            [row["slice"], row["system"], _estimate(row, "bt", ".0f"), _estimate(row, "interaction", "+.0f")]
            for row in part["slices"]
        ]
        yield from table(["slice", "system", "Bradley-Terry", "than its mean"], rows)
    if part["response_time"]:
        multiple = _estimate(part["response_time"], "value", ".2f")
        yield f"Where an answer takes twice as long, differences count {multiple} times as much."
    yield from (f"Warning: {warning}" for warning in part["warnings"])


def _planned_looks(part: dict[str, Any]) -> Iterator[str]:
    looks, planned, later = part["looks"], part["planned_looks"], part["next_look"]
    yield (
        f"Look {len(looks)} of {planned}, at {looks[-1]['votes']:,} of {part['planned_votes']:,} planned votes; "
        f"{'the last' if later is None else f'the next is at {later:,}'}. "
        f"{_first_place(part)}"
    )
    rows = [[str(look["votes"]), f"{look['allowed_p']:.2g}"] for look in looks]
    yield from table(["votes", "p to tell a pair apart"], rows)
    if part["systems"]:
        yield ""
        yield from _ranks(part["systems"])
    yield ""
    pairs = [
        [
            row["a"],
            row["b"],
            number(row["win_rate"], ".3f"),
            number(row["p"][-1], ".2g"),
            f"{row['better']}, at look {row['found_at']}" if row["better"] else "not yet",
        ]
        for row in part["pairs"]
    ]
    yield from table(["a", "b", "a preferred", "p", "told apart"], pairs)
    yield from (f"Warning: {warning}" for warning in part["warnings"])


def _ranks(systems: list[dict[str, Any]]) -> list[str]:
    return table(["ranks", "system"], [[_rank_range(row), row["system"]] for row in systems])


def _rank_range(row: dict[str, Any]) -> str:
    return f"{row['rank_low']} to {row['rank_high']}"


def _always_valid(part: dict[str, Any]) -> Iterator[str]:
    yield f"With {part['planned_votes']:,} votes planned. {_first_place(part)}"
    ranges = {row["system"]: _rank_range(row) for row in part["systems"]}
    estimates = [
        [
            ranges.get(row["system"], ABSENT),
            row["system"],
            _between(row["bt_low"], row["bt_high"], ".0f"),
            _between(row["win_rate_low"], row["win_rate_high"], ".3f"),
        ]
        for row in part["estimates"]
    ]
    yield from table(["ranks", "system", "Bradley-Terry", "win rate"], estimates)
    pairs = [
        [
            row["a"],
            row["b"],
            with_interval(row["win_rate"], row["low"], row["high"], ".3f"),
            number(row["p_holm"], ".2g"),
            row["verdict"],
        ]
        for row in part["pairs"]
    ]
    yield ""
    yield from table(["a", "b", "a preferred", "p (Holm)", "to tell them apart"], pairs)
    side = part["position_bias"]
    yield f"Left preferred: {with_interval(side['left_share'], side['low'], side['high'], '.3f')}"
    for column, found in part["slices"].items():
        yield from _titled(f"Valid at every look, by {column}", found, _watched_slices)


def _watched_slices(rows: list[dict[str, Any]]) -> Iterator[str]:
    cells = [
        [row["slice"], row["system"], with_interval(row["win_rate"], row["low"], row["high"], ".3f")] for row in rows
    ]
    yield from table(["slice", "system", "win rate"], cells)


def watched_means(part: dict[str, Any] | str | None) -> Iterator[str]:
    """Of all questions together."""
    yield from _titled("Valid at every look", part, _always_valid_means)


def _always_valid_means(part: dict[str, Any]) -> Iterator[str]:
    yield f"With {part['planned_votes']:,} votes planned of each question. {_first_place(part)}"
    rows = [
        [_rank_range(row), row["system"], _between(row["bt_low"], row["bt_high"], ".0f")] for row in part["systems"]
    ]
    yield from table(["ranks", "system", "Bradley-Terry"], rows)


def _first_place(part: dict[str, Any]) -> str:
    verdict = part["verdict"].removesuffix(".")  # a reason why there is none is a whole sentence
    return f"First place: {part['leader'] or 'none'}; {verdict}."


def _details(part: dict[str, Any]) -> Iterator[str]:
    for unit, found in part["fragility"].items():
        yield from _titled(f"Fragility, by {unit}", found, _fragility)
    for column, found in part["breakdowns"].items():
        yield from _titled(f"By {column}", found, _breakdown)
    yield from _titled("Raters", part["raters"], _raters)
    yield from _titled("The same pair again", part["consistency"], _consistency)
    yield from _titled("Allowing for unreliable raters (Crowd-BT)", part["crowd_bt"], _crowd)
    yield from _titled("As raters go on", part["session"], _session)
    yield from _titled("Response times", part["times"], _times)


def _conclusion(part: dict[str, Any]) -> Iterator[str]:
    found = [each for units in part.values() for each in units.values()]
    lines = [line for each in found for line in ([each] if isinstance(each, str) else _fragility(each))]
    yield from dict.fromkeys(lines)  # a reason is the same for votes and raters


def _fragility(part: dict[str, Any]) -> Iterator[str]:
    if part["number"] is None:
        yield f"{part['conclusion']}: no removal was found that changes it."
        return
    fewer = "nothing less does." if part["is_exact"] else "fewer might do."
    whom = f"puts {part['overtaken_by']} level or above" if part["overtaken_by"] else "changes that"
    removed = counted(part["number"], part["unit"])
    yield f"{part['conclusion']}: leaving out {removed} ({part['share']:.1%} of the votes) {whom}; {fewer}"


def _breakdown(part: dict[str, Any]) -> Iterator[str]:
    rows = [
        [
            row["slice"],
            row["system"],
            str(row["votes"]),
            with_interval(row["raw"], row["raw_low"], row["raw_high"], ".3f"),
            with_interval(row["pooled"], row["low"], row["high"], ".3f"),
            row["reason"],
        ]
        for row in part["slices"]
    ]
    yield from table(["slice", "system", "votes", "win rate", "pooled", ""], rows)
    if differing := [row["system"] for row in part["systems"] if (row["p_holm"] or 1) < _ANOMALOUS]:
        yield f"{listed(differing)}: slices differ by more than chance explains (approximate test)."


def _raters(part: dict[str, Any]) -> Iterator[str]:
    columns = ("raters", "concordance", "left_share", "longest_run", "p_holm")
    tested = zip(*(part[column] for column in columns), strict=True)
    odd = [row for row in tested if row[4] is not None and row[4] < _ANOMALOUS]
    if not odd:
        yield f"None of {counted(len(part['raters']), 'rater')} answers unlike the others (p < {_ANOMALOUS}, Holm)."
        return
    rows = [[name, number(c, ".2f"), number(left, ".0%"), str(run), number(p, ".2g")] for name, c, left, run, p in odd]
    yield from table(["rater", "concordance", "left", "longest run", "p (Holm)"], rows)


def _consistency(part: dict[str, Any]) -> Iterator[str]:
    overall = part["overall"]
    share = with_interval(overall["value"], overall["low"], overall["high"], ".3f")
    yield f"The same answer: {share}, of {counted(sum(part['repeats']), 'repeat')}."


def _crowd(part: dict[str, Any]) -> Iterator[str]:
    yield from table(["system", "Bradley-Terry"], [[row["system"], f"{row['bt']:.0f}"] for row in part["systems"]])
    least = [f"{row['rater']} {row['reliability']:.2f}" for row in part["raters"][:5]]
    yield f"Least reliable: {listed(least, len(least))} (1: always as they mean it, 0.5: at random)."


def _session(part: dict[str, Any]) -> Iterator[str]:
    names = {"agreement": "Agreement with others", "left": "Left preferred", "ties": "Ties"}
    for name, label in names.items():
        trend = part[f"{name}_trend"]
        change = with_interval(trend["slope"], trend["low"], trend["high"], "+.3f")
        yield f"{label}: {change} for every 10 votes (p {number(trend['p'], '.2g')})."


def _times(part: dict[str, Any]) -> Iterator[str]:
    def quartiles(of: dict[str, Any]) -> list[str]:
        return [str(of["votes"]), *(number(of[name], ".0f") for name in ("lower", "median", "upper"))]

    groups = {"all": part["overall"], **part["by_outcome"]}
    rows = [[name, *quartiles(of)] for name, of in groups.items()]
    rows += [[f"better wins {name}", *quartiles(of)] for name, of in part["by_closeness"].items()]
    yield from table(["ms", "votes", "lower quartile", "median", "upper quartile"], rows)


def _estimate(row: dict[str, Any], name: str, form: str) -> str:
    low, high = ("low", "high") if name == "value" else (f"{name}_low", f"{name}_high")
    return with_interval(row.get(name), row.get(low), row.get(high), form)


def _between(low: float | None, high: float | None, form: str) -> str:
    return "-" if low is None or high is None else f"[{low:{form}}, {high:{form}}]"
