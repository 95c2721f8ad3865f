"""Studies, their comparisons, the leases that raters hold, and the votes."""

from comparisons.models.pairs import Assignment, AssignmentQuerySet, Comparison, ComparisonQuerySet, Matchup
from comparisons.models.raters import Invitation, Rater, RaterSession
from comparisons.models.studies import Outcome, Question, Study, new_completion_code, new_key
from comparisons.models.votes import Exclusion, ExclusionQuerySet, InsertOnlyError, Report, Vote, VoteQuerySet

__all__ = [
    "Assignment",
    "AssignmentQuerySet",
    "Comparison",
    "ComparisonQuerySet",
    "Exclusion",
    "ExclusionQuerySet",
    "InsertOnlyError",
    "Invitation",
    "Matchup",
    "Outcome",
    "Question",
    "Rater",
    "RaterSession",
    "Report",
    "Study",
    "Vote",
    "VoteQuerySet",
    "new_completion_code",
    "new_key",
]
