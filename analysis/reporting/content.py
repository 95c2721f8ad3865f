"""A report from the first line to the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analysis.reporting.availability import availability_blocks
from analysis.reporting.blocks import Block, Notice, Report, code, definitions
from analysis.reporting.checklist import checklist_blocks
from analysis.reporting.design import design_blocks
from analysis.reporting.findings import result_blocks
from analysis.reporting.limits import limit_blocks
from analysis.reporting.methods import method_blocks, reference_blocks
from analysis.reporting.pages import page_blocks
from analysis.reporting.people import exclusion_blocks, rater_blocks
from analysis.reporting.source import Source
from analysis.reporting.systems import prompt_blocks, system_blocks

Part = Callable[[Source], Iterator[Block]]


def report(source: Source) -> Report:
    parts: tuple[Part, ...] = (
        _head,
        design_blocks,
        system_blocks,
        prompt_blocks,
        rater_blocks,
        exclusion_blocks,
        result_blocks,
        method_blocks,
        limit_blocks,
        availability_blocks,
        checklist_blocks,
        page_blocks,
        reference_blocks,
    )
    blocks = tuple(block for part in parts for block in part(source))
    return Report(source.study.title, "Report of a blind preference study", source.written_at, blocks)


def _head(source: Source) -> Iterator[Block]:
    study = source.study
    times = {"Opened": study.opened_at, "Closed": study.closed_at, "Written": source.written_at}
    yield definitions(
        ("Study", code(study.slug)),
        ("State", study.get_state_display()),
        *((name, f"{time:%-d %B %Y, %H:%M %Z}") for name, time in times.items() if time),
        *([("Design hash", code(study.design_hash))] if study.design_hash else []),
    )
    if source.as_of:
        time = f"{source.as_of:%-d %B %Y, %H:%M %Z}"
        yield Notice(f"Something has changed since {time}, such as votes: this report has the numbers of that time.")
    if source.simulated_votes:
        yield Notice(
            f"{source.simulated_votes} of {source.votes} votes are simulated. Bots with planted strengths gave them, "
            "not people: they say nothing about what people prefer."
        )
    if source.imported_votes:
        yield Notice(
            f"{source.imported_votes} of {source.votes} votes were made elsewhere and imported: this site cannot vouch "
            "for how blind they were."
        )
    if source.is_open:
        yield Notice("The study is open: these are its numbers so far.")
