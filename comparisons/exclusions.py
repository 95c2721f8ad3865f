"""What a researcher leaves out of the numbers and takes back in, with a reason, and noted in the log."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from comparisons.models import Exclusion, RaterSession, Vote
from people import audit
from people.audit import Verb

LONGEST_REASON = 300


def exclude(target: RaterSession | Vote, reason: str, user: User) -> bool:
    """Leave out one vote, or all of a session. False: it was left out already."""
    exclusion = Exclusion(reason=reason[:LONGEST_REASON], created_by=user)
    exclusion.session, exclusion.vote = (target, None) if isinstance(target, RaterSession) else (None, target)
    try:
        with transaction.atomic():
            exclusion.save()
            _note(Verb.EXCLUDED, exclusion, reason, user)
    except IntegrityError:
        return False
    return True


@transaction.atomic
def restore(exclusion: Exclusion, reason: str, user: User) -> bool:
    """Count it again; the study's rules will not exclude it anew. False: somebody had restored it already."""
    is_restored = exclusion.revoke(user.pk, reason)
    if is_restored:
        _note(Verb.RESTORED, exclusion, reason, user)
    return is_restored


def _note(verb: Verb, exclusion: Exclusion, reason: str, user: User) -> None:
    session = exclusion.vote.assignment.session if exclusion.vote else exclusion.session
    if session is None:
        raise TypeError("an exclusion is of a vote or of a session")
    details = {"rater": session.pk, "vote": exclusion.vote_id, "because": reason[:LONGEST_REASON]}
    audit.record(verb, study=session.study, actor=user, details=details)
