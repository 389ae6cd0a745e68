"""Bugs of real servers, and what stands for each: the faults that commit it, the requirements that
notice it.

`specs/field-bugs.toml` says which bugs there are; a fault names the one that it was written from.
The table of both is made here and written down nowhere.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from conformance.data import SPECS
from reference_server.faults import FAULTS, Fault


@dataclass(frozen=True)
class Bug:
    """A bug, the reports in which it was seen, and the surfaces on which it was.

    `unseen` says why no tester can see it from outside, `legal` why it is no deviation.
    """

    id: str
    title: str
    surfaces: tuple[str, ...]
    links: tuple[str, ...]
    unseen: str = ""
    legal: str = ""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that were written from it."""
        return tuple(fault for fault in FAULTS.values() if fault.field == self.id)

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirements that notice them."""
        return tuple(sorted({id_ for fault in self.faults for id_ in fault.breaks}))

    @property
    def told(self) -> str:
        """What stands for it, in one line."""
        ids = ", ".join(fault.id for fault in self.faults)
        rest = self.unseen or self.legal or "nothing"
        return f"{', '.join(self.requirements)} by {ids}" if ids else rest


@cache
def bugs() -> Mapping[str, Bug]:
    """Every bug by id, in the order of the file."""
    tree = tomllib.loads((SPECS / "field-bugs.toml").read_text(encoding="utf-8"))
    found = [_bug(entry) for entry in tree["bug"]]
    return {bug.id: bug for bug in found}


def _bug(entry: dict[str, Any]) -> Bug:
    lists = {name: tuple(value) for name, value in entry.items() if isinstance(value, list)}
    return Bug(**{**entry, **lists})


def shares(faults: Iterable[Fault]) -> Mapping[str, int]:
    """How many faults are from the field, from how many bugs of how many, and how many invented."""
    fields = [fault.field for fault in faults]
    field = sum(map(bool, fields))
    found = len({each for each in fields if each})
    return {"field": field, "bugs": found, "of": len(bugs()), "invented": len(fields) - field}


def table(form: str) -> str:
    """Every bug with its requirements and its faults, as text, JSON or Markdown."""
    if form == "json":
        return json.dumps([_as_json(bug) for bug in bugs().values()], indent=1, ensure_ascii=False)
    if form == "markdown":
        return "\n".join(_markdown())
    return "\n".join(f"{bug.id:6} {bug.title}\n       {bug.told}" for bug in bugs().values())


def _as_json(bug: Bug) -> dict[str, Any]:
    return {
        "id": bug.id,
        "title": bug.title,
        "surfaces": list(bug.surfaces),
        "links": list(bug.links),
        "requirements": list(bug.requirements),
        "faults": [fault.id for fault in bug.faults],
        "unseen": bug.unseen,
        "legal": bug.legal,
    }


def _markdown() -> Iterator[str]:
    yield "| bug | what a server did | requirements | faults |"
    yield "|---|---|---|---|"
    for bug in bugs().values():
        links = " ".join(f"[{n}]({link})" for n, link in enumerate(bug.links, 1))
        title = bug.title.replace("|", "\\|")
        wanted = ", ".join(f"`{id_}`" for id_ in bug.requirements) or bug.told
        faults = ", ".join(f"`{fault.id}`" for fault in bug.faults)
        yield f"| {bug.id} | {title} {links} | {wanted} | {faults} |"
