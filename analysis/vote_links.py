"""Addresses of the votes behind a number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.urls import reverse


@dataclass(frozen=True)
class VoteLinks:
    """Of one question of a study: of the votes that are not excluded, or of all."""

    study: str
    question: str
    with_excluded: bool = False

    @cached_property
    def _page(self) -> str:
        return reverse("studies:votes", args=[self.study])

    def url(self, **chosen: str) -> str:
        """The page of the votes that the filters of these names choose (analysis.vote_filters)."""
        which = {} if self.with_excluded else {"excluded": "no"}
        return f"{self._page}?{urlencode({'question': self.question, **which, **chosen})}"
