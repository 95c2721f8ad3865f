"""What a report of a human evaluation of text-to-image systems is to say, all in one table.

After Otani et al. (2023), "Toward verifiable and reproducible human evaluation for text-to-image generation", CVPR:
criteria, rating method, samples, annotators with their number, recruitment, qualification and pay, interface, quality
control, and agreement. What the platform cannot know is "not recorded", with the place where to say it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from analysis.reporting.blocks import NONE, Block, Heading, Paragraph, table, words
from analysis.reporting.people import NOT_RECORDED, PLATFORMS
from analysis.reporting.rater_facts import Crowd
from analysis.reporting.source import Source
from analysis.stats.errors import counted, listed

_SAY_IT = f"{NOT_RECORDED}: say it in the study file's introduction or consent, which this report prints"


def checklist_blocks(source: Source) -> Iterator[Block]:
    rows = [*_task(source), *_samples(source), *_raters(source), *_quality(source), *_results(source)]
    yield Heading("Reporting list")
    yield Paragraph("What Otani et al. (2023) ask reports of human evaluations to state, and where this one has more.")
    lines = [(words(item), words(answer), words(part)) for item, answer, part in rows]
    yield table("reporting_list", "Reporting list.", ["Item", "This study", "Part"], lines)


Rows = Iterator[tuple[str, str, str]]


def _task(source: Source) -> Rows:
    study = source.study
    questions = study.ordered_questions
    answers = listed(sorted({outcome.replace("_", " ") for question in questions for outcome in question.outcomes()}))
    instructions = "yes, with the wording of every page" if study.protocol.instructions else "the first page only"
    yield "Criteria", listed([f"“{question.wording}”" for question in questions], limit=100), "Design"
    yield "Rating method", f"pairwise comparison, side by side; answers: {answers}", "Design"
    yield "Instructions given", instructions, "What raters read"
    yield "Interface", "web pages for desk and phone, with mouse, touch and keyboard; images zoom together", "Design"
    yield "Blinding", "raters received nothing that names a system; sides balanced, order drawn at random", "Design"


def _samples(source: Source) -> Rows:
    study, rows = source.study, source.images["systems"]
    prompts = study.prompt_set.prompts.count()
    hardware = sorted({row["hardware"] for row in source.images["surroundings"] if row["hardware"]})
    yield "Systems", counted(len(rows), "system"), "Systems"
    yield "Prompts", f"{prompts}, from {study.prompt_set.source}", "Prompts"
    yield "Images", f"one for each system and prompt, {sum(row['images'] for row in rows)} in all", "Systems"
    yield "Selection of images", "none: every image that was made is shown, under a seed fixed beforehand", "Systems"
    yield "Hardware of generation", listed(hardware) if hardware else NOT_RECORDED, "Systems"


def _raters(source: Source) -> Rows:
    found, recruitment = source.facts["raters"], source.study.protocol.recruitment
    crowds = [f"{crowd['raters']} {_noun(crowd)}" for crowd in found["crowds"]]
    minutes = found["minutes_per_session"]
    duration = f"median {minutes['median']:.1f} min from consent to the end" if minutes else "nobody has finished yet"
    yield "Number of raters", listed(crowds) if crowds else "none yet", "Raters"
    yield "Recruitment", PLATFORMS[recruitment.platform], "Raters"
    yield "Qualifications asked for", _SAY_IT, NONE
    yield "Qualification test", _comprehension(source), "Design"
    yield "Demographics", f"{NOT_RECORDED}: the platform asks nobody; a recruiting platform exports them", NONE
    yield "Compensation", recruitment.pay or f"{NOT_RECORDED}: recruitment.pay of the study file", "Raters"
    yield "Time taken", duration, "Raters"
    asked = "asked of everybody who came here" if source.imported_votes else "asked of everybody"
    yield "Consent", f"{asked}; the text is printed", "What raters read"
    yield "Ethics approval", _SAY_IT, NONE
    yield "Period", _period(source), "Raters"


def _quality(source: Source) -> Rows:
    found, study = source.facts["raters"], source.study
    checks = sum(row["answered"] for row in found["checks"])
    failed = sum(row["failed"] for row in found["checks"])
    wanted = f"{study.votes_wanted} wanted for each question and pair of images"
    yield "Ratings per sample", wanted, "Design"
    yield "Ratings in all", f"{source.votes}, of which {found['excluded_votes']} excluded", "Raters"
    yield (
        "Attention checks",
        f"{checks} answered, {failed} failed" if checks else "none answered",
        "Checks and exclusions",
    )
    yield "Exclusion", _exclusion(source), "Checks and exclusions"


def _results(source: Source) -> Rows:
    alphas = [
        f"{key} {found['agreement']['alpha']:.3f}"
        for key, found in source.summary["questions"].items()
        if found["agreement"]["alpha"] is not None
    ]
    agreement = f"Krippendorff’s alpha: {listed(alphas)}" if alphas else "no pair of images has votes of two raters"
    yield "Agreement of raters", agreement, "Results"
    yield "Uncertainty and tests", "95% intervals clustered by prompt and rater; p after Holm", "Statistical methods"
    yield "Limits", "listed", "Limits"
    yield "Data and code", "votes, prompts, results and hashes come with the report", "Data and code"


def _exclusion(source: Source) -> str:
    rules = [name for name, limit in asdict(source.study.protocol.rules).items() if limit is not None]
    fixed = f"by rules fixed with the design ({', '.join(rules)})" if rules else "no rules fixed with the design"
    return f"{fixed}; results with and without stand side by side where anything is excluded"


def _noun(crowd: Crowd) -> str:
    noun = "people" if crowd["kind"] == "person" else "simulated raters"
    return f"{noun} elsewhere" if crowd["is_imported"] else noun


def _comprehension(source: Source) -> str:
    items = len(source.study.protocol.comprehension)
    return f"a comprehension check of {counted(items, 'question')}" if items else "none"


def _period(source: Source) -> str:
    first, last = source.facts["raters"]["first_vote"], source.facts["raters"]["last_vote"]
    return f"{first[:10]} to {last[:10]}" if first and last else "no votes yet"
