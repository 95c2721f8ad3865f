"""What was compared: systems with every setting, their files, the machines, the time they take, and the prompts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from analysis.reporting.blocks import (
    NONE,
    Block,
    Cell,
    Heading,
    Paragraph,
    code,
    count,
    definitions,
    shown,
    table,
    words,
)
from analysis.reporting.image_facts import Latency
from analysis.reporting.rater_facts import Distribution
from analysis.reporting.source import Source
from analysis.stats.errors import listed
from generation.systems import IMPORTED, SystemSpec

MOST_PROMPTS = 200  # that are printed; prompts.csv has all
_STAGES = ("encode", "forward", "decode", "one_step", "call")


def system_blocks(source: Source) -> Iterator[Block]:
    yield Heading("Systems")
    yield Paragraph(_seeds(source))
    yield _settings(source)
    yield from _machines(source)
    yield Heading("Latency", 2)
    yield from _latency(source)


def _seeds(source: Source) -> str:
    imported = [row["system"] for row in source.images["systems"] if row["imported"]]
    same = f"the study's seed, {source.study.seed}, plus the prompt's position in its set"
    if not imported:
        return f"All systems started a prompt from the same seed: {same}."
    return (
        f"Images of {listed(imported)} were made elsewhere and imported, with seeds and times, where there are any, as "
        f"their makers gave them. All others started a prompt from the same seed: {same}."
    )


def _settings(source: Source) -> Block:
    found = {row["system"]: row for row in source.images["systems"]}
    specs = [system.parsed_spec() for system in source.study.systems.order_by("slug")]
    rows = [
        (
            words(spec.slug),
            words("; ".join(_made_with(spec))),
            count(spec.steps),
            words("default" if spec.guidance_scale is None else f"{spec.guidance_scale:g}"),
            words(f"{spec.width} × {spec.height}"),
            count(found[spec.slug]["images"]),
            code(found[spec.slug]["fingerprint"][:12]),
        )
        for spec in specs
    ]
    titles = ["System", "Made with", "#Steps", "#Guidance", "#Size", "#Images", "Fingerprint"]
    return table("systems", "Systems and their settings. A fingerprint names all of them.", titles, rows)


def _made_with(spec: SystemSpec) -> Iterator[str]:
    yield f"{spec.model}{f' ({spec.variant})' if spec.variant else ''}{f' at {spec.revision}' if spec.revision else ''}"
    parts = {"UNet": spec.unet, "VAE": spec.vae, "LoRA": spec.lora}
    yield from (f"{name} {place}" for name, place in parts.items() if place)
    if spec.backend == IMPORTED:
        yield "made elsewhere"
        return
    yield spec.pipeline or spec.backend
    options = [f"{key} = {value}" for key, value in spec.scheduler.items() if key != "class"]
    yield ", ".join([str(spec.scheduler.get("class", "the checkpoint's own scheduler")), *options])
    yield from (f"{key} = {value}" for key, value in spec.arguments.items())
    yield spec.dtype


def _machines(source: Source) -> Iterator[Block]:
    yield Heading("Checkpoints and machines", 2)
    rows = [
        (
            words(listed(row["systems"], limit=100)),
            words(row["part"]),
            words(row["location"] + (f" at {row['revision']}" if row["revision"] else "")),
            count(row["files"]),
            code(row["sha256"]),
        )
        for row in source.images["checkpoints"]
    ]
    if rows:
        caption = "Checkpoints, by the SHA-256 of their revision and files."
        yield table("checkpoints", caption, ["Systems", "Part", "From", "#Files", "SHA-256"], rows)
    else:
        yield Paragraph("No checkpoint's files were recorded.")
    hardware = [
        (
            words(listed(row["systems"], limit=100)),
            words("; ".join(filter(None, [row["hardware"], row["platform"]])) or "not recorded"),
            words(row["batch_size"] or "not recorded"),
            count(row["images"]),
        )
        for row in source.images["surroundings"]
    ]
    if hardware:
        caption = "What the images were made on, as the provenance of each has it."
        yield table("machines", caption, ["Systems", "Device and software", "#Batch", "#Images"], hardware)


def _latency(source: Source) -> Iterator[Block]:
    rows = [
        (words(row["system"]), count(row["latency"]["call"]["count"]), *_spreads(row["latency"]))
        for row in source.images["systems"]
        if row["latency"]
    ]
    if not rows:
        yield Paragraph("How long the images took is not recorded.")
        return
    caption = (
        "Milliseconds of a call, over the study's own images: median (quartiles). The sum is encoding, one forward and "
        "decoding, as the announcement of SDXL Turbo adds them up; the whole call has all forwards. Loading is left "
        "out. A batch shares its call."
    )
    stages = ["#Encode", "#One forward", "#Decode", "#Sum", "#Whole call"]
    yield table("latency", caption, ["System", "#Images", *stages], rows)
    measured = [
        (
            words(row["system"]),
            words(row["device"]),
            count(row["batch_size"]),
            count(row["runs"]),
            *_spreads(row["latency"]),
        )
        for row in source.images["benchmarks"]
    ]
    if measured:
        caption = "The same, measured by itself without queue or storage: median (quartiles) over the calls."
        yield table("latency_alone", caption, ["System", "Device", "#Batch", "#Calls", *stages], measured)


def _spreads(latency: Latency) -> Iterator[Cell]:
    for stage in _STAGES:
        yield spread(latency[stage], 1)  # type: ignore[literal-required]


def spread(found: Distribution | None, digits: int) -> Cell:
    if found is None:
        return Cell(NONE)
    lower, median, upper = found["lower"], found["median"], found["upper"]
    return Cell(
        f"{shown(median, digits)} ({shown(lower, digits)} to {shown(upper, digits)})",
        (median, lower, upper),
    )


def prompt_blocks(source: Source) -> Iterator[Block]:
    prompt_set = source.study.prompt_set
    prompts = list(prompt_set.prompts.order_by("position"))
    yield Heading("Prompts")
    yield definitions(
        ("Set", code(prompt_set.slug)),
        ("Prompts", str(len(prompts))),
        ("Source", prompt_set.source),
        ("SHA-256", code(prompt_set.sha256)),
    )
    for name in ("category", "challenge"):
        counts = Counter(getattr(prompt, name) for prompt in prompts)
        if set(counts) != {""}:
            rows = [(words(value or "none"), count(number)) for value, number in counts.most_common()]
            yield table(f"prompts_by_{name}", f"Prompts by {name}.", [name.capitalize(), "#Prompts"], rows)
    if len(prompts) > MOST_PROMPTS:
        yield Paragraph("All prompts stand in prompts.csv, which comes with this report.")
        return
    lines = [
        (count(prompt.position), words(prompt.text), words(prompt.category or NONE), words(prompt.challenge or NONE))
        for prompt in prompts
    ]
    yield table("prompts", "All prompts.", ["#Position", "Prompt", "Category", "Challenge"], lines)
