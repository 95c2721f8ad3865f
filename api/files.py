"""Answers that are files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from typing import IO, Any

from django.http import FileResponse


def binary(*kinds: str) -> dict[str, Any]:
    """How the description of an operation tells of its file."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {"responses": {200: {"description": "The file", "content": content}}}


def written(write: Callable[[IO[bytes]], None], name: str, kind: str) -> FileResponse:
    """By way of a temporary file, which the response closes."""
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile())
        write(file)
        file.seek(0)
        stack.pop_all()
    return FileResponse(file, as_attachment=True, filename=name, content_type=kind)
