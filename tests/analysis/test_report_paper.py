"""The report as a paper: PDF that is read back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pypdfium2
import pytest

from analysis.reporting.blocks import (
    Block,
    Figure,
    Heading,
    Items,
    Notice,
    Paragraph,
    Quotation,
    Report,
    code,
    definitions,
    number,
    table,
    words,
)
from analysis.reporting.pdf import figure_pdf, pdf

WRITTEN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="120"><text x="9" y="20">beta@4</text></svg>'
MARKUP = '#panic("no") *bold* _it_ $x$ \\ <label> @ref // gone `raw` "quoted" [b] = h'


def report(*blocks: Block) -> Report:
    head = definitions(("Study", code("one")))
    return Report("Which picture?", "Report of a study", WRITTEN, (head, Heading("Design"), *blocks))


def pages(content: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(content)
    return [page.get_textpage().get_text_range() for page in document]


def text(content: bytes) -> str:
    return " ".join(" ".join(pages(content)).split())


def test_every_kind_of_block_is_printed() -> None:
    rows = [(words("alpha@1"), number(0.512345, 3), code("ab12"))]
    made = text(
        pdf(
            report(
                Heading("Part", 2),
                Paragraph("A paragraph."),
                Notice("Take care."),
                Items(("First item.", "Second item.")),
                definitions(("Seed", code("7"))),
                Quotation("First page", ("Your consent", "I agree"), "en"),
                table("t", "A table.", ["System", "#Win rate", "Hash"], rows),
                Figure("f", "A figure.", "A drawing of one system.", SVG),
            )
        ).content
    )
    for expected in (
        "Which picture? Study one Contents",
        "1.1 Part A paragraph.",
        "Take care.",
        "Second item.",
        "Seed 7",
        "First page Your consent I agree",
        "Table 1. A table. System Win rate Hash alpha@1 0.512 ab12",
        "beta@4",
        "Figure 1. A figure.",
    ):
        assert expected in made


def test_no_text_is_read_as_markup() -> None:
    rows = [(words(MARKUP), code(MARKUP))]
    odd = replace(report(Paragraph(MARKUP), table("t", MARKUP, ["A", "B"], rows)), title=MARKUP)
    made = text(pdf(odd).content).replace("\u200b", "")
    assert made.count('#panic("no") *bold*') >= 4


def test_long_tables_break_and_every_page_has_its_number_and_the_head_of_the_table() -> None:
    rows = [(words(f"row-{i}"), number(i, 0)) for i in range(150)]
    found = pages(pdf(report(table("t", "Long.", ["Name", "#Value"], rows))).content)
    assert len(found) >= 3
    for i, page in enumerate(found, start=1):
        assert f"{i} / {len(found)}" in page
        assert "1 March 2026, 12:00 UTC" in page
        assert "Name" in page
    assert all("Which picture?" in page for page in found[1:])
    everything = " ".join(found)
    assert all(f"row-{i}" in everything for i in range(150))


def test_the_same_report_has_the_same_bytes() -> None:
    made = report(Paragraph("Text."), Figure("f", "A figure.", "A drawing.", SVG))
    assert pdf(made) == pdf(made)


def test_it_is_accessible_unless_letters_are_lacking() -> None:
    made = pdf(report(Paragraph("Größe, Ελλάδα, Москва.")))
    assert not made.lacks_letters
    assert b"pdfuaid" in made.content
    made = pdf(report(Paragraph("a letter of no font: \U00050000")))
    assert made.lacks_letters
    assert b"pdfuaid" not in made.content
    assert "a letter of no font" in text(made.content)


def test_a_quotation_may_run_from_right_to_left() -> None:
    assert pdf(report(Quotation("First page", ("مقارنة الصور",), "ar"))).content.startswith(b"%PDF-")


def test_a_figure_alone_has_a_page_of_its_size() -> None:
    document = pypdfium2.PdfDocument(figure_pdf(Figure("f", "A figure.", "A drawing.", SVG), WRITTEN))
    (page,) = document
    assert page.get_size() == pytest.approx((225, 90), abs=0.5)
    assert "beta@4" in page.get_textpage().get_text_range()
