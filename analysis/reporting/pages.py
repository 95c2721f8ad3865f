"""Every text of the raters' pages, taken from the pages themselves: none is forgotten and none is paraphrased."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation

from analysis.reporting.blocks import Block, Heading, Paragraph, Quotation
from analysis.reporting.source import Source
from comparisons import admission, examples, judging, recruitment
from comparisons.admission import Refusal
from comparisons.models import RaterSession, Study
from comparisons.sessions import stages
from comparisons.words import words_of_the_page

Stage = RaterSession.Stage
_LINES = {
    "p",
    "h1",
    "h2",
    "h3",
    "li",
    "dt",
    "dd",
    "div",
    "button",
    "legend",
    "label",
    "summary",
    "figcaption",
    "option",
}
_APART = {"span", "br", "input"}  # no part of a sentence, as <em> is
_SILENT = {"script", "style", "svg", "head", "title"}
_NO_TOKEN = {"csrf_token": "-"}  # nothing of it is read, and a form without one is warned of
_WRONG_LINKS: tuple[dict[str, str], ...] = ({}, {"invitation": "-"}, {"assignmentId": "-", "workerId": "-"})


class _Reader(HTMLParser):
    """The lines that a page shows, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._line = ""
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        self._end(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT
        self._end(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._line += data

    def _end(self, tag: str) -> None:
        if tag in _LINES:
            self.end_line()
        elif tag in _APART:
            self._line += " "

    def end_line(self) -> None:
        if words := self._line.split():
            self.lines.append(" ".join(words))
        self._line = ""


def page_blocks(source: Source) -> Iterator[Block]:
    study = source.study
    yield Heading("What raters read")
    yield Paragraph(
        "All texts of the raters' pages, as this version of the platform words them in the study's language "
        f"({study.protocol.language}). Words in braces are filled in by the page."
    )
    with translation.override(study.protocol.language):
        for title, lines in _pages(study):
            yield Quotation(title, tuple(lines), study.protocol.language)


def _pages(study: Study) -> Iterator[tuple[str, list[str]]]:
    introduction = judging.introduction(study)
    if study.protocol.recruitment.platform == "mturk":
        windows = [{"study": study, "is_preview": is_preview} for is_preview in (True, False)]
        yield "Page in the frame of Mechanical Turk", _lines_once("window.html", windows)
    yield "First page, with consent", _lines("landing.html", introduction)
    on_the_way = stages(study)
    if Stage.INSTRUCTIONS in on_the_way:
        shown = examples.shown(study)
        asked = [(question, shown.get(question.key, [])) for question in introduction["questions"]]
        yield "Instructions", _lines("instructions.html", introduction | {"asked": asked})
    if Stage.COMPREHENSION in on_the_way:
        yield from _comprehension(introduction)
    yield "Judging", [*_lines("judge.html", {"study": study}), *words_of_the_page().values()]
    yield (
        "Questions, as each is announced and explained",
        [text for question in introduction["questions"] for text in (question.wording, question.help) if text],
    )
    yield from _endings(study, introduction["judgements"])
    yield "Where somebody cannot begin or go on", _refusals(study)
    yield "Where a page was open for too long", _lines("stale_form.html", {"study": study})


def _comprehension(introduction: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    content = introduction | {"items": introduction["study"].protocol.comprehension}
    page = _lines("comprehension.html", content)
    yield "Comprehension check", page
    for state, title in {"is_incomplete": "with a question left out", "tries": "the second try"}.items():
        again = _lines("comprehension.html", content | {state: 1})
        yield f"Comprehension check, {title}", [line for line in again if line not in page]


def _endings(study: Study, answered: int) -> Iterator[tuple[str, list[str]]]:
    platform = study.protocol.recruitment.platform
    way_back = {"is_form": platform == "mturk"} if platform in recruitment.NAMES else None
    endings = {Stage.COMPLETED: "Last page"}
    if Stage.COMPREHENSION in stages(study):
        endings[Stage.SCREENED_OUT] = "Last page of who misread the instructions twice"
    if study.protocol.checks.stop_after_failed:
        endings[Stage.FAILED] = "Last page of who failed too many checks"
    for stage, title in endings.items():
        ending = {"session": {"stage": stage}, "answered": answered, "way_back": way_back}
        yield title, _lines("thanks.html", ending)


def _refusals(study: Study) -> list[str]:
    """With every reason that there can be in this study."""
    of_study = study.protocol.recruitment
    reasons = [
        *_about_links(study),
        *(admission.sentence(each) for each in Refusal if each != Refusal.FULL or of_study.max_raters),
    ]
    page = {"study": study, "sender": recruitment.NAMES.get(of_study.platform)}
    return _lines_once("unavailable.html", [page | {"reason": reason} for reason in reasons])


def _about_links(study: Study) -> Iterator[str]:
    """What is said of an address that lacks what the platform adds to it."""
    for query in _WRONG_LINKS:
        try:
            recruitment.arrival(study, query)
        except recruitment.ArrivalError as error:
            yield str(error)


def _lines_once(template: str, states: list[dict[str, Any]]) -> list[str]:
    """Those of a page in all these states; what stands there in each of them comes once."""
    return list(dict.fromkeys(line for state in states for line in _lines(template, state)))


def _lines(template: str, context: dict[str, Any]) -> list[str]:
    reader = _Reader()
    reader.feed(render_to_string(f"comparisons/{template}", _NO_TOKEN | context))
    reader.end_line()
    return reader.lines
