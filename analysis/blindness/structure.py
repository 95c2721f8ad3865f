"""Leaks that follow from the form of what was received, each by a rule that allows no chance."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from scipy.stats import chisquare, rankdata

from analysis.blindness import fields
from analysis.blindness.records import SIDES, Behind, Leak, Load, Pair, Value

_RANDOM_DIGITS = [*range(12), *range(13, 16), *range(17, 32)]  # the others of a UUID4 hold version and variant
_IMPLAUSIBLE = 1e-6
_ENOUGH = 8  # pairs of one session for an order to be seen in them
_FOLLOWS = 0.95  # rank correlation
_WRITTEN = ("prompt in", "question.", "also[")

Numbers = npt.NDArray[np.float64]
Seen = Sequence[tuple[Pair, Behind]]


def find(seen: Seen, examples: Sequence[Load] = ()) -> list[Leak]:
    shown = [pair for pair, _ in seen]
    loads = [*examples, *(load for pair in shown for side in SIDES for load in pair.loads[side])]
    return [*_files(loads), *_headers(loads), *_caches(loads), *_tokens(shown), *_orders(seen)]


def _files(loads: Sequence[Load]) -> Iterator[Leak]:
    """One length, one size, one encoding, and nothing but pixels."""
    yield from _one_value("length", "images differ in their number of bytes", loads, lambda load: load.length)
    for name in sorted({name for load in loads for name in load.facts} - {"metadata"}):
        what = f"images differ in {name} of their files"
        yield from _one_value("encoding", what, loads, partial(_fact, name))
    for load in loads:
        chunks = str(load.facts.get("chunks", "VP8L"))
        if load.facts["metadata"] or chunks != "VP8L":
            what = "an image's file holds more than pixels"
            yield Leak("metadata", what, f"{load.response.url}: {load.facts['metadata'] or chunks}")
            return


def _fact(name: str, load: Load) -> Value:
    return load.facts.get(name, "none")


def _one_value(kind: str, what: str, loads: Iterable[Load], read: Callable[[Load], Value]) -> Iterator[Leak]:
    by_value = {read(load): load.response.url for load in loads}
    if len(by_value) > 1:
        (one, its), (other, others), *_ = by_value.items()
        yield Leak(kind, what, f"{one!r} at {its}, {other!r} at {others}")


def _headers(loads: Sequence[Load]) -> Iterator[Leak]:
    """A header that is the same whenever an image is the same, and another for other images, stands for the image."""
    read = [(load, fields.headers(load.response)) for load in loads]
    for name in sorted({name for _, found in read for name in found} - {"content-length"}):
        by_image: dict[str, set[Value]] = defaultdict(set)
        for load, found in read:
            by_image[load.digest].add(found.get(name, "none"))
        values = set().union(*by_image.values())
        if name == "set-cookie":
            yield Leak("cookie", "an image sets a cookie", max(map(str, values)))
        elif len(values) > 1 and all(len(own) == 1 for own in by_image.values()):
            one, other = sorted(map(str, values))[:2]
            yield Leak("header", f"images differ in their header {name}", f"{one!r} and {other!r}")


def _caches(loads: Sequence[Load]) -> Iterator[Leak]:
    for load in loads:
        control = load.response.header("Cache-Control")
        if not {"no-store", "private"} & set(re.findall(r"[\w-]+", control.lower())):
            yield Leak("access", "caches may give an image to others", f"{load.response.url}: {control or 'none'!r}")
            return


def _tokens(shown: Sequence[Pair]) -> Iterator[Leak]:
    """Each address and each assignment is a random UUID4 that comes once."""
    addresses = [urlsplit(pair.payload[side]).path for pair in shown for side in SIDES]
    for what, texts in (("address", addresses), ("assignment", [pair.assignment for pair in shown])):
        found = [fields.UUID.findall(text.lower()) for text in texts]
        for text, ids in zip(texts, found, strict=True):
            if len(ids) != 1 or ids[0][14] != "4" or ids[0][19] not in "89ab":
                yield Leak("token", f"an {what} is not a random UUID4", text)
                return
        again, times = Counter(texts).most_common(1)[0]
        if times > 1:
            yield Leak("token", f"an {what} comes again", f"{times} times {again}")
            continue
        digits = [ids[0].replace("-", "")[place] for ids in found for place in _RANDOM_DIGITS]
        counts = [digits.count(digit) for digit in "0123456789abcdef"]
        if chisquare(counts).pvalue < _IMPLAUSIBLE:
            yield Leak("token", f"the digits of each {what} are not random", texts[0])


def _orders(seen: Seen) -> list[Leak]:
    """Numbers that go up or down with hidden ones in each session that is long enough, if that is several."""
    sessions = Counter(pair.session for pair, _ in seen)
    long = [session for session, pairs in sessions.items() if pairs >= _ENOUGH]
    if len(long) < 2:
        return []
    found: dict[str, Leak] = {}
    for side in (0, 1):
        rows = [(pair.session, _numbers(pair, side), _hidden(behind, side)) for pair, behind in seen]
        names = sorted(set(rows[0][1]).intersection(*(numbers for _, numbers, _ in rows)))
        follows = np.ones((len(names), len(_hidden(seen[0][1], side))), dtype=bool)
        for session in long:
            own = [(numbers, hidden) for its, numbers, hidden in rows if its == session]
            values = np.array([[numbers[name] for name in names] for numbers, _ in own])
            follows &= _correlations(values, np.array([[*hidden.values()] for _, hidden in own])) > _FOLLOWS
        _, numbers, hidden = rows[0]
        for name, fact in np.argwhere(follows):
            what = list(hidden)[fact]
            sentence = f"{names[name]} follows {what}"
            found[sentence] = Leak("order", sentence, f"{numbers[names[name]]:g} for {hidden[what]}")
    return list(found.values())


def _hidden(behind: Behind, side: int) -> dict[str, int]:
    return {
        "the prompt's place in its set": behind.prompt_positions[side],
        "an image's number in the database": behind.image_ids[side],
        "a system's number in the database": behind.system_ids[side],
    }


def _numbers(pair: Pair, side: int) -> dict[str, float]:
    """Those in the texts that the researcher wrote left out."""
    read = {**fields.of_image(pair, SIDES[side]), **fields.of_pair(pair)}
    return {
        f"{name}, number {place}": number
        for name, value in read.items()
        if not name.startswith(_WRITTEN)
        for place, number in enumerate(fields.numbers(value), start=1)
    }


def _correlations(values: Numbers, hidden: Numbers) -> Numbers:
    """The sizes of Spearman's, of each column of one with each of the other; 0 for columns of one or two values."""
    ranks = [rankdata(columns, axis=0) - (len(columns) + 1) / 2 for columns in (values, hidden)]
    for columns in ranks:
        columns[:, [len(np.unique(column)) <= 2 for column in columns.T]] = 0
    lengths = [np.maximum(np.linalg.norm(columns, axis=0), 1e-9) for columns in ranks]
    found: Numbers = np.abs(ranks[0].T @ ranks[1]) / np.outer(*lengths)
    return found
