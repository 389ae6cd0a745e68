"""OpenAPI Overlays (specification 1.0.0), strictly: an action that matches nothing is an error.

Every action carries a `description`, the reason why the document is changed there. Merging is the
specification's: objects merge recursively, arrays are concatenated, anything else is replaced.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonpath_rfc9535

from conformance.contract.document import Document, Tree, parsed, pointer
from conformance.errors import Defect

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Action:
    """One change of a document and the reason for it."""

    target: str
    reason: str
    update: Any = None
    remove: bool = False


def load(path: Path) -> tuple[Action, ...]:
    """The actions of an overlay file."""
    return tuple(_actions(parsed(path.read_bytes()), path.name))


def _actions(tree: Tree, name: str) -> Iterator[Action]:
    if tree.get("overlay") != "1.0.0":
        raise Defect(f"{name} is no overlay of version 1.0.0")
    for node in tree["actions"]:
        if not node.get("description"):
            raise Defect(f"{name}: the action on {node['target']} gives no reason")
        yield Action(
            node["target"], node["description"], node.get("update"), node.get("remove") is True
        )


def apply(document: Document, *overlays: tuple[Action, ...]) -> Document:
    """A new document with every action carried out in order; it keeps their reasons."""
    tree = copy.deepcopy(document.tree)
    reasons: dict[str, str] = {}
    for action in (action for overlay in overlays for action in overlay):
        for place in _carry_out(tree, action):
            reasons[pointer(*place)] = action.reason
    return Document(tree, document.source, reasons)


def _carry_out(tree: Tree, action: Action) -> list[Place]:
    """Change the tree; the places that were changed."""
    places = [node.location for node in jsonpath_rfc9535.find(action.target, tree)]
    if not places:
        raise Defect(
            f"an overlay action matches nothing: {action.target}",
            "the document changed, or the path is misspelt",
        )
    for place in reversed(places):
        parent: Any = tree
        for token in place[:-1]:
            parent = parent[token]
        if not place:
            tree.update(merge(tree, action.update))
        elif action.remove:
            del parent[place[-1]]
        else:
            parent[place[-1]] = merge(parent[place[-1]], action.update)
    return places


def merge(old: Any, new: Any) -> Any:
    """`new` merged into `old` by the rules of the Overlay specification."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {
            key: merge(old[key], value) if key in old else copy.deepcopy(value)
            for key, value in new.items()
        }
    if isinstance(old, list):
        return [*old, *(copy.deepcopy(new) if isinstance(new, list) else [copy.deepcopy(new)])]
    return copy.deepcopy(new)
