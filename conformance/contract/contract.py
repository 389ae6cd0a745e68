"""The contract: the document, the two views made of it, and what a request is worth by them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from conformance.contract import overlay
from conformance.contract.document import Document, Operation, has, resolve
from conformance.contract.schemas import Needs, SchemaError, Validator, needs
from conformance.data import SPECS

CONTRACT = SPECS / "contract.json"


@dataclass(frozen=True)
class Standing:
    """What a request is worth, computed from the bytes that were sent and nothing else.

    `document` and `contract` hold what is wrong with it by the document and by the contract view;
    `needs` the capabilities that its members call for.
    """

    document: tuple[SchemaError, ...]
    contract: tuple[SchemaError, ...]
    needs: frozenset[str] = frozenset()

    @property
    def valid(self) -> bool:
        """Valid by both."""
        return not self.document and not self.contract

    @property
    def invalid(self) -> bool:
        """Invalid by both."""
        return bool(self.document) and bool(self.contract)


class Contract:
    """The document and its views; `load()` gives the one that ships with the suite."""

    def __init__(self, document: Document, judging: Document, generation: Document) -> None:
        self.document = document
        self.judging = judging
        self.generation = generation
        self._validators: dict[tuple[int, str], Validator] = {}
        self._capabilities: dict[str, Needs | None] = {}

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The operations of the judging view (they carry the surfaces)."""
        return self.judging.operations

    def official(self, request: str | None) -> frozenset[str]:
        """The official members of a request that the document lacks (`x-official` in the view);
        requirements of their own say what becomes of them.
        """
        properties = self.judging.at(request).get("properties", {}) if request else {}
        return frozenset(name for name, each in properties.items() if each.get("x-official"))

    def validator(self, view: Document, path: str) -> Validator:
        """The compiled schema at a pointer of a view."""
        key = (id(view), path)
        if key not in self._validators:
            self._validators[key] = Validator(view, path)
        return self._validators[key]

    def standing(self, operation: Operation, instance: Any) -> Standing:
        """The standing of a request body that could be read as JSON."""
        if operation.request is None:
            return Standing((), ())
        return Standing(
            self.validator(self.document, operation.request).errors(instance),
            self.validator(self.judging, operation.request).errors(instance),
            self._needs(operation.request, instance),
        )

    def _needs(self, path: str, instance: Any) -> frozenset[str]:
        if path not in self._capabilities:
            self._capabilities[path] = needs(self.judging, path)
        found = self._capabilities[path]
        return found.of(instance, self._fits) if found else frozenset()

    def _fits(self, path: str, instance: Any) -> bool:
        return self.validator(self.judging, path).valid(instance)

    def answer_errors(
        self, operation: Operation, status: int, media: str, instance: Any
    ) -> tuple[SchemaError, ...]:
        """What is wrong with an answer, or one of its events, by the judging view."""
        path = operation.answers.get((status, media))
        return self.validator(self.judging, path).errors(instance) if path else ()

    def literal(self, rule: str) -> bool:
        """Whether a keyword stands in the document itself, as it is in the judging view."""
        path = rule if has(self.judging.tree, rule) else rule.rpartition("/")[0]
        if not has(self.document.tree, path):
            return False
        ours, theirs = resolve(self.judging.tree, path), resolve(self.document.tree, path)
        return bool(ours == theirs)


@cache
def load() -> Contract:
    """The contract that ships with the suite."""
    document = Document.load(SPECS / "ollama-openai.yaml")
    judging = overlay.apply(document, overlay.load(SPECS / "overlays" / "contract.yaml"))
    generation = overlay.apply(judging, overlay.load(SPECS / "overlays" / "generation.yaml"))
    return Contract(document, judging, generation)


def render(contract: Contract) -> str:
    """The judging view as a JSON document, for servers that validate by it."""
    return json.dumps(contract.judging.tree, indent=1, ensure_ascii=False) + "\n"
