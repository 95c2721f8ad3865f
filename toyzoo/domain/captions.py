"""Wishes as text, and text as wishes: the two are inverse to each other."""

from __future__ import annotations

import re

from toyzoo.domain.words import (
    BACKGROUNDS,
    COLOURS,
    FINISHES,
    NUMBERS,
    PATTERNS,
    RELATIONS,
    SHAPES,
    SIZES,
    Backdrop,
    Group,
    Wish,
    plural,
)

_BACKDROP = re.compile(r",? on an? (?P<backdrop>[^,]*) background")
_SHAPES = {word: shape for shape in SHAPES for word in (shape, plural(shape))}


class CaptionError(ValueError):
    """A text that is no caption of this world; one sentence."""


def say(wish: Wish) -> str:
    """The wish in words, such as "a small red ball above two striped stars, on a sand background"."""
    groups = [_say_group(group) for group in wish.groups]
    if wish.relation is not None:
        groups[:2] = [f"{groups[0]} {wish.relation} {groups[1]}"]
    text = groups[0] if len(groups) == 1 else f"{', '.join(groups[:-1])} and {groups[-1]}"
    if wish.backdrop is None:
        return text
    comma = "," if len(wish.groups) > 1 else ""
    words = [word for word in (wish.backdrop.pattern, wish.backdrop.colour) if word != "plain"]
    return f"{text}{comma} on {_article(words[0])} {' '.join(words)} background"


def parse(text: str) -> Wish:
    """The wish that a caption says; CaptionError where it is none."""
    backdrop = None
    rest = text
    if found := _BACKDROP.search(text):
        if found.end() != len(text):
            raise CaptionError(f"{text!r} goes on after its background.")
        backdrop, rest = _parse_backdrop(found["backdrop"]), text[: found.start()]
    relation = None
    for candidate in RELATIONS:
        if f" {candidate} " in rest:
            if relation is not None:
                raise CaptionError(f"{text!r} has more than one relation.")
            relation = candidate
            rest = rest.replace(f" {candidate} ", " and ")
    groups = tuple(_parse_group(part) for part in re.split(r", | and ", rest))
    wish = Wish(groups, relation, backdrop)
    if say(wish) != text:
        raise CaptionError(f"{text!r} is no caption of this world; the nearest is {say(wish)!r}.")
    return wish


def _say_group(group: Group) -> str:
    words = [word for word in (group.size, group.finish, group.colour) if word not in (None, "plain")]
    noun = group.shape if group.count == 1 else plural(group.shape)
    phrase = " ".join([*map(str, words), noun])
    return f"{_article(phrase) if group.count == 1 else NUMBERS[group.count - 1]} {phrase}"


def _article(phrase: str) -> str:
    return "an" if phrase[0] in "aeiou" else "a"


def _parse_backdrop(text: str) -> Backdrop:
    words = text.split()
    pattern = words.pop(0) if words and words[0] in PATTERNS[1:] else "plain"
    if len(words) != 1 or words[0] not in BACKGROUNDS:
        raise CaptionError(f"{text!r} is no background; allowed: {', '.join(BACKGROUNDS)}.")
    return Backdrop(words[0], pattern)


def _parse_group(text: str) -> Group:
    number, *adjectives, noun = text.split() if len(text.split()) > 1 else ("", text)
    if number == "an":
        number = "a"
    if number not in NUMBERS or noun not in _SHAPES:
        raise CaptionError(f"{text!r} names no things; allowed: {', '.join(NUMBERS)}, and {', '.join(SHAPES)}.")
    said: dict[str, str] = {}
    for key, terms in (("size", SIZES), ("finish", FINISHES[1:]), ("colour", tuple(COLOURS))):
        if adjectives and adjectives[0] in terms:
            said[key] = adjectives.pop(0)
    if adjectives:
        raise CaptionError(f"{text!r} has the word {adjectives[0]!r}, which means nothing here.")
    return Group(_SHAPES[noun], NUMBERS.index(number) + 1, **said)
