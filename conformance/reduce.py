"""The smallest JSON value that still fails: members and items dropped, strings cut, numbers plain.

Pure but for `fails`, which sends. It is asked as rarely as possible: everything that may go is
dropped at once first, and halves of it after that (delta debugging: Zeller and Hildebrandt, 2002).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

Fails = Callable[[Any], bool]
Path = tuple[str | int, ...]
PLAIN = "a"  # what any text may become


def reduced(value: Any, fails: Fails) -> Any:
    """A value that fails and of which no part can be taken away; `value` itself if none can be."""
    while True:
        before = value
        path: Path | None = ()
        while path is not None:
            value = _part(value, path, fails)
            path = _next(value, path)
        if value == before:
            return value


def _part(value: Any, path: Path, fails: Fails) -> Any:
    """The value with what is at a path reduced by itself."""
    here = at(value, path)

    def holds(part: Any) -> bool:
        return bool(part != here) and fails(put(value, path, part))

    match here:
        case dict():
            names = kept(list(here), lambda some: holds({n: here[n] for n in here if n in some}))
            return put(value, path, {n: here[n] for n in here if n in names})
        case list():
            numbers = kept(list(range(len(here))), lambda some: holds([here[n] for n in some]))
            return put(value, path, [here[n] for n in numbers])
        case str():
            return put(value, path, _text(here, holds))
        case bool() | None:
            return value
        case _:
            return put(value, path, next((n for n in _plainer(here) if holds(n)), here))


def _plainer(number: float) -> Iterator[int]:
    """Plainer numbers, the plainest first."""
    for plain in (0, 1):
        if number == plain:
            return
        yield plain


def _text(text: str, holds: Fails) -> str:
    if text == PLAIN or holds(PLAIN):
        return PLAIN
    return "".join(kept(list(text), lambda some: holds("".join(some))))


def kept(items: Sequence[Any], holds: Callable[[Sequence[Any]], bool]) -> Sequence[Any]:
    """A part of a sequence by which something holds, and none of whose items can be left out."""
    if not items or holds([]):
        return []
    pieces = 2
    while len(items) > 1:
        parts = _parts(items, min(pieces, len(items)))
        part = next((part for part in parts if holds(part)), None)
        others = None if part or pieces == 2 else _others(parts, holds)
        if part is not None:
            items, pieces = part, 2
        elif others is not None:
            items, pieces = others, max(pieces - 1, 2)
        elif pieces >= len(items):
            break
        else:
            pieces *= 2
    return items


def _parts(items: Sequence[Any], count: int) -> list[Sequence[Any]]:
    cuts = [len(items) * n // count for n in range(count + 1)]
    return [items[low:high] for low, high in pairwise(cuts)]


def _others(
    parts: list[Sequence[Any]], holds: Callable[[Sequence[Any]], bool]
) -> Sequence[Any] | None:
    """All parts but one, if it holds by them."""
    rests = ([e for p in parts if p is not part for e in p] for part in parts)
    return next((rest for rest in rests if holds(rest)), None)


def at(value: Any, path: Path) -> Any:
    """What is at a path of member names and item numbers."""
    for key in path:
        value = value[key]
    return value


def put(value: Any, path: Path, part: Any) -> Any:
    """The value with something else at a path."""
    if not path:
        return part
    head, rest = path[0], path[1:]
    below = put(value[head], rest, part)
    if isinstance(value, dict):
        return {**value, head: below}
    return [below if n == head else each for n, each in enumerate(value)]


def _next(value: Any, path: Path) -> Path | None:
    """The place after a path, from the outside in; None after the last."""
    places = list(_places(value))
    return places[places.index(path) + 1] if path != places[-1] else None


def _places(value: Any) -> Iterator[Path]:
    """Every place of a value, the outer ones first."""
    level: list[tuple[Path, Any]] = [((), value)]
    while level:
        yield from (path for path, _ in level)
        level = [
            ((*path, key), each)
            for path, inner in level
            if isinstance(inner, dict | list)
            for key, each in (inner.items() if isinstance(inner, dict) else enumerate(inner))
        ]
