"""Any study, for hypothesis: `studies()`."""

from __future__ import annotations

from hypothesis import strategies as st

from comparisons.matchmaking import STRATEGIES
from comparisons.protocol import (
    CHECKS,
    LANGUAGES,
    LAYOUTS,
    PLATFORMS,
    PRACTICE,
    THEMES,
    Checks,
    ComprehensionItem,
    Example,
    Protocol,
    Recruitment,
    Rules,
)
from comparisons.study_file import QuestionSpec, StudySpec
from generation.catalogue import catalogue, resolve
from tests.factories import make_system_spec

# No letters: a text must name no system, whatever is drawn.
texts = st.text(st.sampled_from("\"'\\#=[]{}.,:\n\r\t\x01\x7f0 éß字𝄞\u2028"), min_size=1, max_size=40).map(
    lambda text: f"«{text}»"
)
lines = texts.map(lambda text: text.replace("\n", " "))
optional = st.just("") | texts
slugs = st.from_regex(r"[a-z0-9][a-z0-9-]{0,9}", fullmatch=True)
shares = st.none() | st.floats(0.001, 0.999)


def numbers(low: int, high: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(low, high)


scalars = st.booleans() | st.integers(0, 9) | st.floats(0, 9) | texts
own_systems = st.builds(
    make_system_spec,
    st.sampled_from(["alpha", "beta", "sdxl"]),
    steps=st.integers(1, 50),
    guidance_scale=st.none() | st.floats(0, 20),
    arguments=st.dictionaries(st.sampled_from(["eta", "clip_skip"]), scalars, max_size=2),
    scheduler=st.just({}) | st.just({"class": "EulerDiscreteScheduler", "use_karras_sigmas": True}),
    revision=st.none(),
)
ready_systems = st.sampled_from([spec for name in catalogue() for spec in resolve({"catalogue": name})])
line_ups = st.lists(
    own_systems | ready_systems, min_size=2, max_size=6, unique_by=(lambda s: s.slug, lambda s: s.fingerprint)
)


@st.composite
def protocols(draw: st.DrawFn, examples: st.SearchStrategy[list[Example]]) -> Protocol:
    options = draw(st.lists(lines, min_size=2, max_size=3, unique=True))
    items = draw(st.lists(texts.map(lambda text: ComprehensionItem(text, tuple(options), 1)), max_size=2))
    codes = dict(zip(("complete_code", "screened_out_code", "failed_code"), ("«1»", "«2»", "«3»"), strict=True))
    return Protocol(
        language=draw(st.sampled_from(LANGUAGES)),
        theme=draw(st.sampled_from(THEMES)),
        layout=draw(st.sampled_from(LAYOUTS)),
        instructions=draw(texts),
        examples=tuple(draw(examples)),
        comprehension=tuple(items),
        break_every=draw(numbers(5, 10_000)),
        hide_results_until_closed=draw(st.booleans()),
        checks=Checks(
            every=draw(st.integers(2, 1000)),
            repeats=draw(st.integers(0, 100)),
            stop_after_failed=draw(numbers(2, 100)),
        ),
        rules=Rules(
            failed_checks=draw(numbers(2, 100)),
            response_floor_ms=draw(st.integers(1, 60_000)),
            fast_share=draw(shares),
            straight_line=draw(numbers(5, 10_000)),
            side_bias_p=draw(shares),
            self_consistency=draw(shares),
            agreement=draw(shares),
        ),
        recruitment=Recruitment(
            draw(st.sampled_from(PLATFORMS)), draw(optional), draw(optional), draw(numbers(1, 1_000_000)), **codes
        ),
    )


@st.composite
def studies(draw: st.DrawFn) -> StudySpec:
    systems = [system for system in draw(line_ups) if system.width == system.height]
    if len(systems) < 2:
        systems = [make_system_spec("alpha"), make_system_spec("beta")]
    keys = draw(st.lists(st.from_regex(r"[0-9]{1,4}", fullmatch=True), min_size=1, max_size=3, unique=True))
    pair = {"question": keys[0], "prompt": draw(texts), "better": systems[0].slug, "worse": systems[1].slug}
    examples = st.lists(texts.map(lambda why: Example(**pair, why=why)), max_size=2)
    kinds = st.lists(st.sampled_from(CHECKS[:3]), max_size=3).map(tuple)
    protocol = draw(protocols(examples))
    questions = tuple(
        QuestionSpec(
            key,
            draw(texts),
            tie=draw(st.booleans()),
            both_bad=draw(st.booleans()),
            help=draw(optional),
            practice=draw(st.lists(st.sampled_from(PRACTICE), max_size=3).map(tuple)),
            checks=draw(kinds) if protocol.layout == "blocks" or key == keys[0] else (),
        )
        for key in keys
    )
    return StudySpec(
        slug=draw(slugs),
        title=draw(texts),
        introduction=draw(texts),
        consent=draw(texts),
        prompt_set=draw(slugs),
        seed=draw(st.integers(0, 2**53)),
        votes_wanted=draw(st.integers(1, 10_000)),
        judgements_per_question=draw(numbers(1, 10_000)),
        matchmaking=draw(st.sampled_from(list(STRATEGIES))),
        display_px=draw(st.integers(16, 4096)),
        upsample=True,
        questions=questions,
        systems=tuple(systems),
        protocol=protocol,
    )
