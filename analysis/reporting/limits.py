"""What the results do not show: the sentences that apply to this study, and no others."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.reporting.blocks import Block, Heading, Items
from analysis.reporting.source import Source
from analysis.stats.errors import counted, listed
from analysis.stats.uncertainty import FEW_CLUSTERS
from comparisons.models import Study


def limit_blocks(source: Source) -> Iterator[Block]:
    yield Heading("Limits")
    parts = (_of_the_state, _of_the_numbers, _of_the_protocol, _of_images)
    yield Items(tuple(sentence for part in parts for sentence in part(source)))


def _of_the_state(source: Source) -> Iterator[str]:
    study = source.study
    if study.state == Study.State.DRAFT:
        yield "The study is a draft: its design may still change, and nobody has been asked."
    if source.is_open:
        yield "The study is open: results will change while votes come, and quotas are not filled evenly yet."
    missing = [
        f"{quota['question']} {quota['votes_on_time']} of {quota['votes_wanted']}"
        for quota in source.facts["raters"]["quotas"]
        if quota["votes_on_time"] < quota["votes_wanted"]
    ]
    if missing and not source.is_open:
        yield f"Not all votes that were wanted came: {listed(missing)}."
    if source.simulated_votes:
        yield (
            f"{source.simulated_votes} of {source.votes} votes are simulated: bots with planted strengths gave them, "
            "and they say nothing about what people prefer."
        )
    if source.imported_votes:
        yield (
            f"{source.imported_votes} of {source.votes} votes were made elsewhere and imported: this site cannot vouch "
            "for how blind they were, nor for what those raters were told."
        )


def _of_the_numbers(source: Source) -> Iterator[str]:
    for key, found in source.summary["questions"].items():
        for name in ("prompts", "raters"):
            effective = found[f"effective_{name}"]  # type: ignore[literal-required]
            if effective < FEW_CLUSTERS:
                yield (
                    f"{key}: counting each by its share of the votes, there are only {effective:.1f} effective {name}; "
                    f"with fewer than {FEW_CLUSTERS}, intervals are approximate."
                )
        bias = found["position_bias"]
        low, high = bias["low"], bias["high"]
        if not source.is_open and low is not None and high is not None and not low <= 0.5 <= high:
            yield f"{key}: raters preferred one side as such; sides were balanced, and the ratings have a term for it."
    by_hand = sum(row["sessions"] + row["votes"] for row in source.facts["raters"]["exclusions"] if not row["rule"])
    if by_hand:
        yield f"{counted(by_hand, 'exclusion')} rest on decisions of people and not on rules fixed beforehand."


def _of_the_protocol(source: Source) -> Iterator[str]:
    study = source.study
    protocol = study.protocol
    if not any(question.checks for question in study.ordered_questions):
        yield "There were no attention checks: nothing tells careful raters from careless ones but their agreement."
    if protocol.recruitment.platform == "link":
        yield "Anybody with the link could take part, and from another browser more than once."
    if study.votes_wanted == 1:
        yield "Each pair of images has one vote under each question, so raters' agreement rests on few pairs, if any."
    yield (
        "Raters used their own screens at sizes and distances that nobody knows, and judged what they saw in "
        f"{study.display_px} by {study.display_px} pixels."
    )
    yield "The texts were those of one prompt set: preferences on other kinds of texts may differ."


def _of_images(source: Source) -> Iterator[str]:
    yield "Each system made one image of each prompt, so luck with a seed is part of the differences between prompts."
    rows = source.images["systems"]
    prompts = source.study.prompt_set.prompts.count()
    if lacking := [f"{row['system']} {row['images']} of {prompts}" for row in rows if row["images"] < prompts]:
        yield f"Not all images are there ({listed(lacking)}), so not all pairs could be judged."
    if imported := [row["system"] for row in rows if row["imported"]]:
        yield f"Images of {listed(imported)} were made elsewhere: the platform cannot vouch for how."
    if timeless := [row["system"] for row in rows if row["images"] and row["latency"] is None]:
        yield f"How long {listed(timeless)} took is not recorded."
    machines = {row["hardware"] for row in source.images["surroundings"]}
    if len(machines) > 1:
        yield "Images were made on different machines or with different software, so their times are not comparable."
    if any((row["batch_size"] or 1) > 1 for row in source.images["surroundings"]):
        yield "Some images were made in batches: the times are of a batch's call, not of one image."
    sizes = sorted({(spec["width"], spec["height"]) for spec in source.study.systems.values_list("spec", flat=True)})
    if any(width != source.study.display_px for width, _ in sizes):
        made = listed([f"{width} × {height}" for width, height in sizes])
        yield f"Images were made at {made} and resampled to the size in which they were shown."
