"""Answers that are files."""

from __future__ import annotations

from typing import Any


def binary(*kinds: str) -> dict[str, Any]:
    """How the description of an operation tells of its file."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {"responses": {200: {"description": "The file", "content": content}}}
