"""Files that appear whole, under their name or without one, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

LONGEST_NAME = 200  # bytes of a file's, of the 255 that file systems take


def short_name(name: str) -> str:
    """The end of an upload's name, with its suffix: a letter may take four bytes."""
    return name.encode()[-LONGEST_NAME:].decode(errors="ignore")


def in_temporary_file(write: Callable[[IO[bytes]], None]) -> IO[bytes]:
    """What `write` writes, to be read; it is gone when whoever asked closes it."""
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile())
        write(file)
        file.seek(0)
        stack.pop_all()
    return file


def write_lines(path: Path, lines: Iterable[str]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` to be written, which takes its name at the end of the block; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp's files are private; an export should not be
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
