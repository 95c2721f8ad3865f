"""The form of a study: every key of a study file, in the order in which a researcher decides. Pure.

Errors of the study file's parser name these keys, so each is shown beside its field.
"""

from __future__ import annotations

from comparisons.matchmaking import STRATEGIES
from comparisons.protocol import CHECKS, LANGUAGES, LAYOUTS, PLATFORMS, PRACTICE, THEMES
from studio.fields import Field, Group, Section, options_of
from studio.system_fields import SYSTEM_FIELDS

_LANGUAGE_NAMES = {"en": "English", "de": "Deutsch", "ar": "العربية"}
_LAYOUT_NAMES = {"blocks": "In blocks: all pairs of one question, then the next", "together": "All about each pair"}
_PLATFORM_NAMES = {
    "link": "A link that anybody may use",
    "invitation": "Invitations, one address for each person",
    "prolific": "Prolific",
    "mturk": "Mechanical Turk",
}
_STRATEGY_NAMES = {
    "balanced": "Balanced: the pair with the fewest votes",
    "uniform": "Uniform: any pair, at random",
}
_KIND_NAMES = {
    "corrupted": "A picture beside a spoilt copy of it",
    "mismatched": "A picture beside one of another prompt",
    "same": "One picture twice",
    "gold": "Pairs whose answer you know (below)",
}


_PAIR = (
    Field("question", "Question", suggestions="questions", required=True),
    Field("prompt", "Prompt", help="The exact text of one of the study's prompts.", required=True, wide=True),
    Field("better", "Better system", suggestions="systems", required=True),
    Field("worse", "Worse system", suggestions="systems", required=True),
)

STUDY = Section(
    "study",
    "Study",
    "What it is called. Raters see the title and never the short name.",
    (
        Field(
            "slug",
            "Short name",
            help="For addresses and files: lower-case letters, digits and '-'.",
            required=True,
            stand_in="stand-in",
        ),
        Field("title", "Title", help="Left empty: “Comparing pictures”, in the study's language."),
        Field(
            "language",
            "Language of the pages",
            "choice",
            help="Your own texts stay as you write them.",
            options=options_of(LANGUAGES, _LANGUAGE_NAMES),
        ),
    ),
)
PROMPTS = Section(
    "prompts",
    "Prompts",
    "Every system makes one picture of each. More prompts help more than more votes on each.",
    (
        Field("prompt_set", "Prompt set", "choice", required=True, stand_in="stand-in"),
        Field(
            "seed",
            "Seed of the images",
            "whole",
            help="All systems start a prompt from this number plus the prompt's place.",
            required=True,
            stand_in=0,
        ),
    ),
)
SYSTEMS = Section(
    "systems",
    "Systems",
    "Who competes. Each number of steps is a system of its own.",
    groups=(
        Group(
            "systems",
            "System",
            SYSTEM_FIELDS,
        ),
    ),
)
QUESTIONS = Section(
    "questions",
    "Questions",
    "What raters are asked about each pair, in this order. The wording may name no system.",
    groups=(
        Group(
            "questions",
            "Question",
            (
                Field("wording", "Wording", required=True, stand_in="–", wide=True),
                Field(
                    "key",
                    "Short name",
                    help="The name of its column in the results.",
                    required=True,
                    stand_in="stand-in-{row}",
                ),
                Field("help", "What to look at, and what not", "text", help="Raters read it before they begin."),
                Field("tie", "Offer “Tie”", "switch"),
                Field("both_bad", "Offer “Both bad”", "switch"),
                Field(
                    "practice",
                    "Practice before judging, with feedback",
                    "choices",
                    options=options_of(PRACTICE, _KIND_NAMES),
                    may_repeat=True,
                ),
                Field(
                    "checks",
                    "Attention checks between the pairs",
                    "choices",
                    help="They take turns; how often is said under Checks. "
                    "Only the first question has any where all are asked about each pair.",
                    options=options_of(CHECKS, _KIND_NAMES),
                ),
            ),
        ),
    ),
)
JUDGING = Section(
    "judging",
    "Judging",
    "How many answers, and how pairs are shown.",
    (
        Field(
            "rating.votes_wanted",
            "Votes wanted for each pair of pictures and question",
            "whole",
            required=True,
            stand_in=1,
        ),
        Field(
            "rating.judgements_per_question",
            "Pairs that one rater judges under each question",
            "whole",
            help="Left empty: a rater may judge every pair once.",
        ),
        Field("rating.break_every", "Offer a break after so many answers", "whole"),
        Field(
            "rating.layout",
            "Questions are asked",
            "choice",
            options=options_of(LAYOUTS, _LAYOUT_NAMES),
        ),
        Field(
            "rating.matchmaking",
            "Which systems meet next",
            "choice",
            options=options_of(tuple(STRATEGIES), _STRATEGY_NAMES),
        ),
        Field(
            "display.size",
            "Size of the pictures in pixels",
            "whole",
            help="Larger pictures are scaled down to it.",
            stand_in=16,
        ),
        Field("rating.hide_results_until_closed", "Hide results until the study closes", "switch"),
        Field("display.upsample", "Scale smaller pictures up to it", "switch"),
        Field("display.theme", "Ground of the pages", "choice", options=options_of(THEMES)),
    ),
)
READING = Section(
    "reading",
    "What raters read",
    "Before they judge: an introduction and consent, then instructions with examples and a comprehension check.",
    (
        Field("introduction", "Introduction", "text", help="Left empty: one sentence about two pictures of one text."),
        Field(
            "consent",
            "Consent",
            "text",
            help="Left empty: a text that promises what this site keeps.",
        ),
        Field("instructions", "Instructions", "text", help="Left empty: no such page.", stand_in="–"),
    ),
    (
        Group(
            "examples",
            "Example",
            (*_PAIR, Field("why", "Why it is better", "text", required=True)),
            title="Examples",
            help="Two pictures with the better answer, shown with the instructions. Nobody votes on them.",
        ),
        Group(
            "comprehension",
            "Comprehension question",
            (
                Field("question", "Question", required=True, stand_in="–", wide=True),
                Field("options", "Options, one a line", "lines", required=True, stand_in=["–", "+"]),
                Field("answer", "Number of the right option", "whole", required=True, stand_in=1),
            ),
            title="Comprehension check",
            help="About the instructions. Raters have two tries; who fails them is screened out.",
        ),
    ),
)
CHECKING = Section(
    "checks",
    "Checks",
    "Pairs with a known answer, shown between the others to see whether somebody looks.",
    (
        Field("checks.every", "One check in so many judgements", "whole", stand_in=2),
        Field(
            "checks.repeats",
            "Pairs of each question that come again",
            "whole",
            help="With their sides exchanged.",
        ),
        Field(
            "checks.stop_after_failed",
            "End the session after so many failed checks",
            "whole",
            help="Left empty: never.",
        ),
    ),
    (
        Group(
            "checks.gold",
            "Known answer",
            _PAIR,
            title="Known answers",
            help="For questions with that check: pairs whose answer is beyond doubt. Nobody votes on them.",
        ),
    ),
)
RULES = Section(
    "rules",
    "Exclusion rules",
    "Whose answers are left out of every number. Each rule is optional. Votes are never deleted.",
    (
        Field("rules.failed_checks", "A rater with so many failed checks", "whole"),
        Field(
            "rules.response_floor_ms", "Answers to a pair that took less than so many milliseconds", "whole", stand_in=1
        ),
        Field("rules.fast_share", "A rater with more than this share of pairs answered so fast", "decimal"),
        Field("rules.straight_line", "A rater with so many answers in a row on one side", "whole"),
        Field(
            "rules.side_bias_p",
            "A rater whose left and right are less likely than",
            "decimal",
            help="p of an exact binomial test, such as 0.0001.",
        ),
        Field(
            "rules.self_consistency",
            "A rater who answered fewer of the repeats alike than",
            "decimal",
            help="By an exact binomial test at 5%. Above chance, which is 0.5: such as 0.8 with eight repeats.",
        ),
        Field(
            "rules.agreement",
            "A rater who agrees with the others less often than",
            "decimal",
            help="By the same test, and above chance, too: such as 0.65.",
        ),
    ),
)
RECRUITMENT = Section(
    "recruitment",
    "Recruitment",
    "How raters come, and what they are told of pay before they agree.",
    (
        Field(
            "recruitment.platform",
            "Raters come by",
            "choice",
            options=options_of(PLATFORMS, _PLATFORM_NAMES),
        ),
        Field("recruitment.max_raters", "At most so many raters", "whole", help="Left empty: no limit."),
        Field("recruitment.pay", "Pay", help="As raters read it: 2.00 GBP."),
        Field("recruitment.contact", "Contact", help="For raters' questions."),
        Field(
            "recruitment.complete_code",
            "Code: complete",
            help="One for each ending; Prolific needs them.",
            stand_in="1",
        ),
        Field("recruitment.screened_out_code", "Code: screened out", stand_in="2"),
        Field("recruitment.failed_code", "Code: failed checks", stand_in="3"),
    ),
)
SECTIONS = (STUDY, PROMPTS, SYSTEMS, QUESTIONS, JUDGING, READING, CHECKING, RULES, RECRUITMENT)

PLAN = Section(
    "plan",
    "What to expect",
    "For the estimate alone: no part of the study.",
    (
        Field("plan.win_rate", "Preference worth finding", "decimal", help="0.55: one wins 55% of what is no tie."),
        Field("plan.ties", "Share of ties", "decimal"),
        Field("plan.prompt_icc", "Votes on one prompt correlate", "decimal"),
        Field("plan.rater_icc", "Votes of one rater correlate", "decimal"),
        Field("plan.seconds", "Seconds for an answer", "decimal"),
        Field("plan.pay", "Pay for an hour", "decimal"),
    ),
)
GROUPS = {group.key: group for section in SECTIONS for group in section.groups}
FIELDS = {field.key: field for section in (*SECTIONS, PLAN) for field in section.fields}
