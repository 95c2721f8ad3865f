"""What was seen of one image, as named values: everything that a rater could try to tell systems by."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from statistics import median
from typing import Any

from analysis.blindness.records import SIDES, Pair, Response, Value

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CLOCKS = {"date", "expires", "last-modified"}
_PAGE_AHEAD = re.compile(r'<script id="ahead" type="application/json">(.*?)</script>', re.DOTALL)
_OWN_KEY = "receipt.key"  # the rater made it
_ANNOUNCED_AS_USUAL = {"content-length", "set-cookie"}  # they say again what is in the body and among the cookies


def of_image(shown: Pair, side: str) -> dict[str, Value]:
    other = SIDES[side == SIDES[0]]
    times = {name: median(load.response.ms for load in shown.loads[name]) for name in SIDES}
    found: dict[str, Value] = {
        "side": side,
        "time of the image, median": times[side],
        "time of the image, first": shown.loads[side][0].response.ms,
        "time of the image, shortest": min(load.response.ms for load in shown.loads[side]),
        "time of the image, less the other's": times[side] - times[other],
        "address of the image": shown.payload[side],
    }
    load = shown.loads[side][0]
    found["length of the image"] = load.length
    found |= {f"{name} in the image's file": value for name, value in load.facts.items()}
    found |= {f"header {name} of the image": value for name, value in headers(load.response).items()}
    return found


def of_pair(shown: Pair) -> dict[str, Value]:
    """What is there once for both images."""
    found: dict[str, Value] = {f"{name} in the JSON": value for name, value in _leaves(shown.payload)}
    found |= {f"ahead.{name} in the reply before": value for name, value in _leaves(_ahead(shown))}
    found |= {f"cookie {name}": value for name, value in shown.cookies.items()}
    found["time of the reply"] = shown.announced.ms
    found["time of the reply before"] = shown.before.ms
    for reply, response in (("the reply", shown.announced), ("the reply to its answer", shown.answered)):
        found |= {f"{name} in {reply}": value for name, value in _beside(response)}
        named = headers(response).items()
        found |= {f"header {name} of {reply}": value for name, value in named if name not in _ANNOUNCED_AS_USUAL}
    return found


def _ahead(shown: Pair) -> Mapping[str, Any]:
    """What was said of this pair before its turn."""
    said = _body(shown.before).get("ahead") or {}
    return said if said.get(SIDES[0]) == shown.payload[SIDES[0]] else {}


def _beside(response: Response) -> list[tuple[str, Value]]:
    """What a reply says besides the pairs that it brings."""
    rest = {name: value for name, value in _body(response).items() if name not in {"next", "ahead"}}
    return [(name, value) for name, value in _leaves(rest) if name != _OWN_KEY]


def _body(response: Response) -> dict[str, Any]:
    """The JSON of a reply. A page has that of the pair ahead, in a script."""
    if response.header("Content-Type").startswith("application/json"):
        return dict(json.loads(response.text))
    on_page = _PAGE_AHEAD.search(response.text)
    return {"ahead": json.loads(on_page[1])} if on_page else {}


def headers(response: Response) -> dict[str, Value]:
    """By lower-case name. A time is given in seconds from the response's own."""
    found: dict[str, Value] = {}
    for name, value in response.headers:
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    clock = _seconds(found.get("date")) or 0.0
    for name in _CLOCKS & found.keys():
        if (seconds := _seconds(found[name])) is not None:
            found[name] = seconds - clock
    return found


def _seconds(value: object) -> float | None:
    try:
        return parsedate_to_datetime(str(value)).timestamp()
    except ValueError:
        return None


def _leaves(content: Any, path: str = "") -> Iterator[tuple[str, Value]]:
    """The texts and numbers of JSON, by where they are. Of the addresses of the images the images' fields speak."""
    if isinstance(content, Mapping):
        for key, inside in content.items():
            if path or key not in SIDES:
                yield from _leaves(inside, f"{path}.{key}" if path else str(key))
    elif isinstance(content, list):
        for number, inside in enumerate(content):
            yield from _leaves(inside, f"{path}[{number}]")
    else:
        yield path, float(content) if isinstance(content, bool | int | float) else str(content)


def numbers(value: Value) -> list[float]:
    """A number itself; the numbers in a text, a UUID being four of 32 bits."""
    if not isinstance(value, str):
        return [float(value)]
    split = UUID.sub(lambda found: f" {_slices(found[0])} ", value.lower())
    return [float(number) for number in re.findall(r"\d{1,15}", split)]


def _slices(token: str) -> str:
    digits = uuid.UUID(token).hex
    return " ".join(str(int(digits[start : start + 8], 16)) for start in range(0, 32, 8))


def bits(text: str) -> list[int]:
    """Of all UUIDs in a text: what the least of them tells, such as odd or even, no number follows."""
    return [int(bit) for token in UUID.findall(text.lower()) for bit in f"{uuid.UUID(token).int:0128b}"]
