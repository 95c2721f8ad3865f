"""The study's rules about whose answers are left out: each breach is an Exclusion with its reason.

The rules are frozen with the design. What a rule has excluded comes back by itself when the breach is gone, as
agreement may change while votes come; what a person has restored stays restored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from comparisons.conduct import Conduct, conducts, lower_tail
from comparisons.models import Exclusion, Study
from comparisons.protocol import Rules

FEWEST = 10  # answers, below which a share says nothing of a person
FEWEST_REPEATS = 2
ERROR_RATE = 0.05  # at most, of leaving out by a share below a limit somebody whose true share is the limit or above


@dataclass(frozen=True)
class Breach:
    """Of a rule, by a whole session or, with `vote_id`, by one answer."""

    rule: str
    session_id: int
    reason: str
    vote_id: int | None = None

    @property
    def target(self) -> tuple[str, int | None]:
        return ("vote", self.vote_id) if self.vote_id is not None else ("session", self.session_id)


@dataclass(frozen=True)
class Applied:
    excluded: int
    returned: int


def apply_rules(study: Study, note: Callable[[Applied], None] = lambda applied: None) -> Applied:
    """Make the exclusions what the rules say of the answers so far; `note` tells of it in the same transaction."""
    breaches = {breach.target: breach for breach in _all_breaches(study)}
    with transaction.atomic():
        mine = Exclusion.objects.of_study(study)
        returned = 0
        for exclusion in mine.filter(revoked_at=None).exclude(rule=""):
            breach = breaches.get(exclusion.target)
            if breach is None or breach.rule != exclusion.rule:
                exclusion.revoke(None, "The rule does not apply any more.")
                returned += 1
        settled = {exclusion.target for exclusion in mine.filter(revoked_at=None)}
        settled |= {exclusion.target for exclusion in mine.exclude(revoked_by=None)}
        new = [_exclusion(breach) for target, breach in breaches.items() if target not in settled]
        Exclusion.objects.bulk_create(new, batch_size=1000, ignore_conflicts=True)
        applied = Applied(len(new), returned)
        note(applied)
    return applied


def breaches_of(conduct: Conduct, rules: Rules) -> Iterator[Breach]:
    """The first of a session's breaches is the reason that is stored."""
    floor_ms, times = rules.response_floor_ms or 0, conduct.screen_ms
    fast = {screen: ms for screen, ms in times.items() if ms < floor_ms}
    checks = f"{conduct.failed_checks} of {conduct.checks} attention checks failed"
    share_fast = f"{len(fast)} of {len(times)} pairs were answered faster than {floor_ms} ms"
    sides = conduct.side_bias
    where = " under one question" if len(conduct.sequences) > 1 else ""
    p_repeats = _p_below(conduct.consistent_repeats, conduct.repeats, rules.self_consistency)
    p_agreement = _p_below(conduct.agreed, conduct.compared, rules.agreement)
    found = {
        "failed_checks": (rules.failed_checks and conduct.failed_checks >= rules.failed_checks, checks),
        "fast_share": (len(times) >= FEWEST and _above(len(fast), len(times), rules.fast_share), share_fast),
        "straight_line": (
            rules.straight_line and conduct.longest_run >= rules.straight_line,
            f"{conduct.longest_run} answers on one side in a row",
        ),
        "side_bias_p": (
            rules.side_bias_p and sides.p < rules.side_bias_p,
            f"{sides.left} left and {sides.right} right{where} (p = {sides.p:.2g})",
        ),
        "self_consistency": (
            conduct.repeats >= FEWEST_REPEATS and p_repeats <= ERROR_RATE,
            f"{conduct.consistent_repeats} of {conduct.repeats} repeated pairs answered alike (p = {p_repeats:.2g})",
        ),
        "agreement": (
            conduct.compared >= FEWEST and p_agreement <= ERROR_RATE,
            f"{conduct.agreed} of {conduct.compared} answers agree with the other raters (p = {p_agreement:.2g})",
        ),
    }
    for rule, (is_broken, what) in found.items():
        if is_broken:
            yield Breach(rule, conduct.session_id, f"{what}; the rule {rule} = {getattr(rules, rule)}.")
    for answer in conduct.judgements:
        if answer.screen in fast:
            reason = f"the pair was answered after {fast[answer.screen]} ms; the rule response_floor_ms = {floor_ms}."
            yield Breach("response_floor_ms", conduct.session_id, reason, answer.vote_id)


def _all_breaches(study: Study) -> Iterator[Breach]:
    """The first of each target."""
    rules, seen = study.protocol.rules, set()
    if rules == Rules():
        return
    for conduct in conducts(study).values():
        for breach in breaches_of(conduct, rules):
            if breach.target not in seen:
                seen.add(breach.target)
                yield breach


def _exclusion(breach: Breach) -> Exclusion:
    target = {"vote_id": breach.vote_id} if breach.vote_id is not None else {"session_id": breach.session_id}
    return Exclusion(**target, rule=breach.rule, reason=breach.reason, created_at=timezone.now())


def _above(part: int, whole: int, limit: float | None) -> bool:
    return limit is not None and whole > 0 and part / whole > limit


def _p_below(part: int, whole: int, limit: float | None) -> float:
    """Of so few, or fewer, by somebody whose true share is the limit; 1 without one."""
    return lower_tail(part, whole, limit) if limit is not None else 1.0
