"""Storing prompts as a named set. A set never changes: its hash is part of every design that uses it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.db import transaction

from generation.models import Prompt, PromptSet
from generation.prompts import PromptFileError, PromptLine, prompts_sha256

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")


@transaction.atomic
def store_prompt_set(slug: str, prompts: Sequence[PromptLine], source: str) -> tuple[PromptSet, bool]:
    """The set of this name with these prompts, and whether it is new."""
    if not _SLUG.fullmatch(slug):
        raise PromptFileError(f"--set is {slug!r}; allowed: 1 to 100 lower-case letters, digits and '-'.")
    sha256 = prompts_sha256(prompts)
    earlier = PromptSet.objects.filter(slug=slug).first()
    if earlier and earlier.sha256 != sha256:
        raise PromptFileError(
            f"--set is {slug!r}, which exists with other prompts ({earlier.prompts.count()} from {earlier.source}): "
            "a prompt set never changes, so give this one another name."
        )
    if earlier:
        return earlier, False
    prompt_set = PromptSet.objects.create(slug=slug, source=source, sha256=sha256)
    Prompt.objects.bulk_create(
        Prompt(
            prompt_set=prompt_set,
            position=position,
            text=line.text,
            category=line.category,
            challenge=line.challenge,
        )
        for position, line in enumerate(prompts)
    )
    return prompt_set, True
