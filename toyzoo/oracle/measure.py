"""How far the oracle can be trusted, as Markdown tables: python -m toyzoo.oracle.measure

Every number has fixed seeds. The truth of a statement comes from the scene that was drawn, by the same rules.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from toyzoo.domain.drawing import draw
from toyzoo.domain.scenes import Scene, picture
from toyzoo.domain.wishes import draw_wish
from toyzoo.domain.words import CHALLENGES, Wish
from toyzoo.oracle.damage import CHANGES, DAMAGES
from toyzoo.oracle.following import KINDS, follow
from toyzoo.oracle.quality import judge
from toyzoo.oracle.reading import Reading, ReadThing, read

_SEED = 4021
_PROCESSES = 2
_CHANGED = 60  # pictures a kind of change and of damage
_TRIES = 600  # wishes that are looked at for them
_JUDGED = ("following", "quality")

Row = tuple[str, float]


def truth(scene: Scene) -> Reading:
    """What a perfect reading of the scene's picture would be."""
    things = [ReadThing(t.shape, t.colour, t.finish, t.size, t.x, t.y, t.radius, 1.0) for t in scene.things]
    return Reading(tuple(things), scene.backdrop, 0.0)


def wishes(count: int, seed: int) -> Iterator[tuple[Wish, Scene, random.Random]]:
    """As many of each challenge."""
    for number in range(count):
        rng = random.Random(seed * 1_000_003 + number)
        wish = draw_wish(rng, CHALLENGES[number % len(CHALLENGES)])
        yield wish, picture(wish, rng), rng


def agreements(part: range) -> list[Row]:
    """For each statement its kind, and whether picture and scene say the same about it; and milliseconds a reading.

    Each picture is checked against its own wish, where all is true, and against another one of its challenge.
    """
    rows = []
    for number, (wish, scene, rng) in enumerate(wishes(part.stop, _SEED)):
        if number not in part:
            continue
        other = draw_wish(rng, CHALLENGES[number % len(CHALLENGES)])
        pixels = draw(scene)
        start = time.process_time()
        reading = read(pixels)
        rows.append(("milliseconds", 1000 * (time.process_time() - start)))
        rows.append(("quality", judge(pixels, reading).score))
        for whose, one in (("own", wish), ("other", other)):
            pairs = zip(follow(reading, one).statements, follow(truth(scene), one).statements, strict=True)
            rows += [(f"{whose} {seen.kind}", float(seen.satisfied == true.satisfied)) for seen, true in pairs]
    return rows


def changes(name: str) -> list[Row]:
    """Is the changed kind of statement found wrong, and are all others still true? Following, quality."""
    kind, change = CHANGES[name]
    rows: list[Row] = []
    for wish, scene, rng in wishes(_TRIES, _SEED + 1):
        if len(rows) >= 6 * _CHANGED or (changed := change(scene, wish, rng)) is None:
            continue
        before, after = draw(scene), draw(changed)
        readings = read(before), read(after)
        seen = follow(readings[1], wish).statements
        rows.append((f"{name} noticed", float(any(not one.satisfied for one in seen if one.kind == kind))))
        rows.append((f"{name} elsewhere", float(np.mean([one.satisfied for one in seen if one.kind != kind]))))
        for when, pixels, reading in (("before", before, readings[0]), ("after", after, readings[1])):
            rows.append((f"{name} following {when}", follow(reading, wish).score))
            rows.append((f"{name} quality {when}", judge(pixels, reading).score))
    return rows


def damages(name: str) -> list[Row]:
    """Following and quality at each strength."""
    damage, strengths = DAMAGES[name]
    rows: list[Row] = []
    for wish, scene, _ in wishes(_CHANGED, _SEED + 2):
        for strength in (0.0, *strengths):
            pixels = damage(draw(scene), strength) if strength else draw(scene)
            reading = read(pixels)
            rows.append((f"{name} {strength:g} following", follow(reading, wish).score))
            rows.append((f"{name} {strength:g} quality", judge(pixels, reading).score))
    return rows


def means(rows: Iterable[Row]) -> dict[str, tuple[float, int]]:
    """Of each key, with how many there were."""
    values = defaultdict(list)
    for key, value in rows:
        values[key].append(value)
    return {key: (float(np.mean(some)), len(some)) for key, some in values.items()}


def reading_table(rows: list[Row]) -> Iterator[str]:
    found = means(rows)
    statements = [row for row in rows if row[0] not in ("milliseconds", "quality")]
    for whose in ("own", "other"):
        everything = [(f"{whose} all", right) for key, right in statements if key.startswith(whose)]
        found |= means(everything)
    yield "| statements | of the own wish | read rightly | of another wish | read rightly |"
    yield "|---|---:|---:|---:|---:|"
    for kind in (*KINDS, "all"):
        (own, many), (other, more) = found[f"own {kind}"], found[f"other {kind}"]
        yield f"| {kind} | {many} | {own:.4f} | {more} | {other:.4f} |"
    yield ""
    (speed, pictures), (quality, _) = found["milliseconds"], found["quality"]
    yield f"{pictures} pictures, {speed:.1f} ms of one core to read one; their mean quality is {quality:.3f}."


def change_table(found: dict[str, tuple[float, int]]) -> Iterator[str]:
    yield "| change | wrong statement | pictures | noticed | others still true | following | quality |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for name, (kind, _) in CHANGES.items():
        noticed, many = found[f"{name} noticed"]
        following, quality = (
            " → ".join(f"{found[f'{name} {what} {when}'][0]:.3f}" for when in ("before", "after")) for what in _JUDGED
        )
        elsewhere = found[f"{name} elsewhere"][0]
        yield f"| {name} | {kind} | {many} | {noticed:.3f} | {elsewhere:.3f} | {following} | {quality} |"


def damage_table(found: dict[str, tuple[float, int]]) -> Iterator[str]:
    yield "| damage | strengths | following | quality |"
    yield "|---|---|---|---|"
    for name, (_, strengths) in DAMAGES.items():
        steps = [f"{strength:g}" for strength in (0.0, *strengths)]
        cells = [" ".join(f"{found[f'{name} {step} {what}'][0]:.2f}" for step in steps) for what in _JUDGED]
        yield f"| {name} | {' '.join(steps)} | {cells[0]} | {cells[1]} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1200)
    pictures: int = parser.parse_args().pictures
    step = max(1, pictures // 8)
    parts = [range(start, min(start + step, pictures)) for start in range(0, pictures, step)]
    with ProcessPoolExecutor(_PROCESSES) as pool:

        def gather(measured: Callable[..., list[Row]], over: Iterable[object]) -> list[Row]:
            return [row for rows in pool.map(measured, over) for row in rows]

        print("\n".join(reading_table(gather(agreements, parts))), end="\n\n", flush=True)
        print("\n".join(change_table(means(gather(changes, CHANGES)))), end="\n\n", flush=True)
        print("\n".join(damage_table(means(gather(damages, DAMAGES)))), flush=True)


if __name__ == "__main__":
    main()
