"""What a study does with its raters besides asking them: the way in, practice, checks, rules, recruitment. Pure.

All of it is part of the design, so its hash covers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from comparisons.toml_table import Table
from generation.systems import SpecError

LANGUAGES = ["en", "de", "ar"]
THEMES = ["light", "dark"]
LAYOUTS = ["blocks", "together"]
PLATFORMS = ["link", "invitation", "prolific", "mturk"]
PRACTICE = ["corrupted", "mismatched"]
CHECKS = ["corrupted", "mismatched", "same", "gold"]


@dataclass(frozen=True)
class ComprehensionItem:
    """A question about the instructions, with one right option."""

    question: str
    options: tuple[str, ...]
    answer: int  # the right option's number, from 1

    @classmethod
    def read(cls, table: Table) -> ComprehensionItem:
        options = table.texts("options", least=2, limit=300)
        item = cls(table.text("question", limit=300), options, table.number("answer", 1, len(options)))
        table.end()
        return item


@dataclass(frozen=True)
class Gold:
    """A pair whose answer is beyond doubt: under this question, for this prompt, one system did better."""

    question: str
    prompt: str
    better: str
    worse: str

    @classmethod
    def read(cls, table: Table) -> Self:
        gold = cls(**cls._texts(table))
        table.end()
        return gold

    @classmethod
    def _texts(cls, table: Table) -> dict[str, str]:
        texts = {"question": table.slug("question"), "prompt": table.text("prompt")}
        return texts | {name: table.text(name, limit=200) for name in ("better", "worse")}


@dataclass(frozen=True)
class Example(Gold):
    """Such a pair that comes with the instructions."""

    why: str

    @classmethod
    def _texts(cls, table: Table) -> dict[str, str]:
        return super()._texts(table) | {"why": table.text("why", limit=500)}


@dataclass(frozen=True)
class Checks:
    """What is shown between the pairs to see whether somebody looks: one check in every run of `every` judgements."""

    every: int | None = None
    repeats: int = 0  # pairs a question that come again with their sides exchanged
    stop_after_failed: int | None = None
    gold: tuple[Gold, ...] = ()

    @classmethod
    def read(cls, table: Table) -> Checks:
        checks = cls(
            every=table.optional_number("every", 2, 1000),
            repeats=table.number("repeats", 0, 100, default=0),
            stop_after_failed=table.optional_number("stop_after_failed", 2, 100),
            gold=tuple(Gold.read(row) for row in table.rows("gold")),
        )
        table.end()
        return checks


@dataclass(frozen=True)
class Rules:
    """Who and what is left out of the analysis. None: the rule is not used."""

    failed_checks: int | None = None  # that many, or more
    response_floor_ms: int | None = None  # answers to pairs that took less are left out one by one
    fast_share: float | None = None  # of pairs under the floor, above which the rater is left out
    straight_line: int | None = None  # that many answers on one side in a row, or more
    side_bias_p: float | None = None  # p of an exact binomial test of left against right, below which
    self_consistency: float | None = None  # share of repeats that were answered alike, below which
    agreement: float | None = None  # with the other raters of the same pairs, below which

    @classmethod
    def read(cls, table: Table) -> Rules:
        rules = cls(
            failed_checks=table.optional_number("failed_checks", 2, 100),
            response_floor_ms=table.optional_number("response_floor_ms", 1, 60_000),
            fast_share=table.optional_fraction("fast_share"),
            straight_line=table.optional_number("straight_line", 5, 10_000),
            side_bias_p=table.optional_fraction("side_bias_p"),
            self_consistency=table.optional_fraction("self_consistency"),
            agreement=table.optional_fraction("agreement"),
        )
        if rules.fast_share is not None and rules.response_floor_ms is None:
            raise SpecError(table.key("response_floor_ms"), "missing", "a number, since fast_share needs it")
        table.end()
        return rules


@dataclass(frozen=True)
class Recruitment:
    platform: str = "link"
    pay: str = ""
    contact: str = ""
    max_raters: int | None = None
    complete_code: str = ""
    screened_out_code: str = ""
    failed_code: str = ""

    @classmethod
    def read(cls, table: Table) -> Recruitment:
        recruitment = cls(
            platform=table.choice("platform", PLATFORMS, "link"),
            pay=table.optional_text("pay", limit=300),
            contact=table.optional_text("contact", limit=300),
            max_raters=table.optional_number("max_raters", 1, 1_000_000),
            complete_code=table.optional_text("complete_code", limit=50),
            screened_out_code=table.optional_text("screened_out_code", limit=50),
            failed_code=table.optional_text("failed_code", limit=50),
        )
        table.end()
        codes = {
            "complete_code": recruitment.complete_code,
            "screened_out_code": recruitment.screened_out_code,
            "failed_code": recruitment.failed_code,
        }
        given = [code for code in codes.values() if code]
        for name, code in codes.items():
            if recruitment.platform == "prolific" and not code:
                raise SpecError(table.key(name), "missing", "the code that Prolific knows for this ending")
            if code and given.count(code) > 1:
                raise SpecError(table.key(name), repr(code), "a code of its own for each ending")
        return recruitment


@dataclass(frozen=True)
class Protocol:
    language: str = "en"
    theme: str = "light"
    layout: str = "blocks"
    instructions: str = ""
    examples: tuple[Example, ...] = ()
    comprehension: tuple[ComprehensionItem, ...] = ()
    break_every: int | None = None
    hide_results_until_closed: bool = False
    checks: Checks = field(default_factory=Checks)
    rules: Rules = field(default_factory=Rules)
    recruitment: Recruitment = field(default_factory=Recruitment)

    @classmethod
    def from_design(cls, design: Mapping[str, Any]) -> Protocol:
        """Of what asdict() made of it and JSON kept."""
        content = dict(design)
        items = [dict(item) for item in content.pop("comprehension")]
        comprehension = tuple(ComprehensionItem(**item | {"options": tuple(item["options"])}) for item in items)
        checks = dict(content.pop("checks"))
        gold = tuple(Gold(**item) for item in checks.pop("gold"))
        return cls(
            examples=tuple(Example(**item) for item in content.pop("examples", ())),
            comprehension=comprehension,
            checks=Checks(gold=gold, **checks),
            rules=Rules(**content.pop("rules")),
            recruitment=Recruitment(**content.pop("recruitment")),
            **content,
        )

    @property
    def asks_together(self) -> bool:
        """All questions about a pair on one screen, instead of one after the other in blocks."""
        return self.layout == "together"

    def known_pairs(self, question: str) -> set[tuple[str, frozenset[str]]]:
        """Prompt and systems of the pairs that are checks under this question, or that the instructions show with their
        answer: they are not voted on as well. Where all questions are asked at once, neither are checks of the others.
        """
        golds = [gold for gold in self.checks.gold if self.asks_together or gold.question == question]
        return {(pair.prompt, frozenset({pair.better, pair.worse})) for pair in (*golds, *self.examples)}

    def read_texts(self) -> dict[str, str]:
        """What raters read, by its key in the study file."""
        texts = {"instructions": self.instructions}
        texts |= {f"recruitment.{name}": getattr(self.recruitment, name) for name in ("pay", "contact")}
        texts |= {f"examples[{n}].why": example.why for n, example in enumerate(self.examples, start=1)}
        for number, item in enumerate(self.comprehension, start=1):
            texts[f"comprehension[{number}].question"] = item.question
            texts |= {f"comprehension[{number}].options[{n}]": option for n, option in enumerate(item.options, start=1)}
        return {key: text for key, text in texts.items() if text}


def read_protocol(root: Table, rating: Table, display: Table) -> Protocol:
    protocol = Protocol(
        language=root.choice("language", LANGUAGES, "en"),
        theme=display.choice("theme", THEMES, "light"),
        layout=rating.choice("layout", LAYOUTS, "blocks"),
        instructions=root.optional_text("instructions"),
        examples=tuple(Example.read(row) for row in root.rows("examples")),
        comprehension=tuple(ComprehensionItem.read(row) for row in root.rows("comprehension")),
        break_every=rating.optional_number("break_every", 5, 10_000),
        hide_results_until_closed=rating.switch("hide_results_until_closed", default=False),
        checks=Checks.read(root.table("checks")),
        rules=Rules.read(root.table("rules")),
        recruitment=Recruitment.read(root.table("recruitment")),
    )
    if (protocol.comprehension or protocol.examples) and not protocol.instructions:
        raise SpecError("instructions", "missing", "what [[comprehension]] and [[examples]] are about")
    return protocol
