"""Checkpoints that images were made with: one row for each content, however many images name it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from django.db import transaction

from generation import models
from generation.backends.provenance import Checkpoint

_kept: set[str] = set()  # digests whose rows this process knows to be there


def keep(checkpoints: Iterable[Checkpoint]) -> None:
    """A process asks the database once for each, and remembers it only when its row is committed."""
    for checkpoint in checkpoints:
        digest = checkpoint.digest
        if digest in _kept:
            continue
        models.Checkpoint.objects.get_or_create(
            sha256=digest,
            defaults={
                "location": checkpoint.location,
                "revision": checkpoint.revision or "",
                "files": dict(checkpoint.files),
            },
        )
        transaction.on_commit(partial(_kept.add, digest))
