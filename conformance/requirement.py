"""Requirements: one sentence each that a server keeps or breaks, read from `specs/requirements`.

The catalogue is data. A requirement's id begins with the name of its file; how it is judged follows
from its entry: `shape` names keywords of the judging view, `grammar` missing keys of a stream
grammar, `refuses` the keywords whose violation must be refused; anything else has a check function.

`on` names surfaces, or kinds of them by what the document says of its operations: `*` all, `plain`
and `streamed` those of one form, `posts` those whose requests have a body; `-images` takes one out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from conformance.contract.contract import load
from conformance.data import SPECS
from conformance.errors import Defect


class Profile(StrEnum):
    """A reading of the API."""

    SEED = "seed"  # the OpenAPI document literally
    OLLAMA = "ollama"  # what Ollama documents; the default gate
    OPENAI = "openai"  # what the official clients rely on


class Level(StrEnum):
    """How much a requirement weighs in one profile (RFC 2119)."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"
    OFF = "off"


@dataclass(frozen=True)
class Requirement:
    """One requirement of the standard.

    `on` lists the surfaces it holds on; `needs` a capability without which it is not judged;
    `field` links reports of real servers that broke it; `norms` the researched norms it keeps;
    `unclaimed` marks a rule that holds even where the surface is not claimed; `model` one that
    depends on how clever the model is and therefore never fails.
    """

    id: str
    text: str
    levels: Mapping[Profile, Level]
    on: tuple[str, ...]
    sources: tuple[str, ...]
    advice: str
    field: tuple[str, ...] = ()
    norms: tuple[str, ...] = ()
    shape: tuple[str, ...] = ()
    grammar: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    needs: str = ""
    unclaimed: bool = False
    model: bool = False

    @property
    def kind(self) -> str:
        """How it is judged: `shape`, `grammar`, `refusal` or `check`."""
        kinds = {"shape": self.shape, "grammar": self.grammar, "refusal": self.refuses}
        return next((kind for kind, rows in kinds.items() if rows), "check")


Catalogue = Mapping[str, Requirement]


@cache
def catalogue() -> Catalogue:
    """Every requirement by id, in the order of the files and of their entries."""
    files = sorted((SPECS / "requirements").glob("*.toml"))
    found = [requirement for file in files for requirement in read(file)]
    byid = {requirement.id: requirement for requirement in found}
    if len(byid) < len(found):
        raise Defect("two requirements share an id")
    return byid


def read(path: Path) -> Iterator[Requirement]:
    """The requirements of one file; its `on` holds for every entry that has none."""
    tree = tomllib.loads(path.read_text(encoding="utf-8"))
    for entry in tree["requirement"]:
        yield _requirement(path.stem, {"on": tree["on"], **entry})


def _requirement(stem: str, entry: dict[str, Any]) -> Requirement:
    known = {field.name for field in fields(Requirement)}
    if unknown := entry.keys() - known:
        raise Defect(f"{entry.get('id')}: unknown members {sorted(unknown)}")
    if not entry["id"].startswith(f"{stem}."):
        raise Defect(f"{entry['id']} stands in {stem}.toml")
    lists = {name: tuple(value) for name, value in entry.items() if isinstance(value, list)}
    lists["on"] = _surfaces(lists["on"])
    levels = {profile: Level(entry["levels"].get(profile, "off")) for profile in Profile}
    return Requirement(**{**entry, **lists, "levels": levels})


def _surfaces(words: tuple[str, ...]) -> tuple[str, ...]:
    """The surfaces that these words name, in the order of the document."""
    kinds = _kinds()
    without = {word[1:] for word in words if word.startswith("-")}
    wanted = [word for word in words if not word.startswith("-")]
    found = dict.fromkeys(surface for word in wanted for surface in kinds.get(word, (word,)))
    if unknown := (found.keys() | without) - set(kinds["*"]):
        raise Defect(f"{min(unknown)} is no surface of the document")
    return tuple(surface for surface in found if surface not in without)


@cache
def _kinds() -> Mapping[str, tuple[str, ...]]:
    operations = load().operations
    posts = [operation for operation in operations if operation.request]
    every = [pair for operation in operations for pair in operation.surfaces.items()]
    kinds = {
        "*": [surface for _, surface in every],
        "plain": [surface for streamed, surface in every if not streamed],
        "streamed": [surface for streamed, surface in every if streamed],
        "posts": [surface for operation in posts for surface in operation.surfaces.values()],
    }
    return {kind: tuple(dict.fromkeys(surfaces)) for kind, surfaces in kinds.items()}


def selected(only: tuple[str, ...], everything: Catalogue) -> Iterator[tuple[Requirement, str]]:
    """The pairs of requirement and surface that `--only` names: surfaces, ids, prefixes of ids.

    `surface::id` names one pair; nothing named means everything. A word that is both is a surface:
    `chat` is plain chat, `chat.` whatever is required of chat, streamed too.
    """
    surfaces = {surface for requirement in everything.values() for surface in requirement.on}
    for requirement in everything.values():
        for surface in requirement.on:
            if not only or any(_names(word, requirement.id, surface, surfaces) for word in only):
                yield requirement, surface


def _names(word: str, requirement: str, surface: str, surfaces: Collection[str]) -> bool:
    wanted, double, rest = word.partition("::")
    if double:
        return wanted == surface and requirement.startswith(rest)
    if word in surfaces:
        return word == surface
    return requirement == word or requirement.startswith(word.rstrip(".") + ".")
