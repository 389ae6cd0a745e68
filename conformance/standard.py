"""The standard in words: every requirement as text, JSON or Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from conformance.requirement import Profile, Requirement, catalogue, selected

THREAD = re.compile(r"https://github\.com/([^/]+/[^/]+)/(?:issues|pull|discussions)/(\d+)")


def listing(only: tuple[str, ...], form: str) -> str:
    """The requirements that `only` names."""
    chosen = list(dict.fromkeys(requirement.id for requirement, _ in selected(only, catalogue())))
    requirements = [catalogue()[id_] for id_ in chosen]
    if form == "json":
        return json.dumps([as_json(each) for each in requirements], indent=1, ensure_ascii=False)
    if form == "markdown":
        return "\n".join(line for each in requirements for line in entry(each, "###"))
    return "\n".join(f"{each.id:36} {_levels(each):28} {each.text}" for each in requirements)


def explanation(requirement: Requirement, form: str) -> str:
    """One requirement with everything that is known of it."""
    if form == "json":
        return json.dumps(as_json(requirement), indent=1, ensure_ascii=False)
    if form == "markdown":
        return "\n".join(entry(requirement, "###"))
    plain = (re.sub(r"\[[^]]*\]\((.*?)\)", r"\1", line) for line in entry(requirement, "###"))
    return "\n".join(re.sub("^#+ |[`<>]", "", line) for line in plain)


def as_json(requirement: Requirement) -> dict[str, Any]:
    """A requirement as JSON."""
    return {
        "id": requirement.id,
        "text": requirement.text,
        "levels": dict(requirement.levels),
        "surfaces": list(requirement.on),
        "needs": requirement.needs,
        "sources": list(requirement.sources),
        "field": list(requirement.field),
        "norms": list(requirement.norms),
        "advice": requirement.advice,
        "kind": requirement.kind,
    }


def _levels(requirement: Requirement) -> str:
    return ", ".join(f"{profile} {requirement.levels[profile]}" for profile in Profile)


def entry(requirement: Requirement, heading: str) -> Iterator[str]:
    """A requirement in Markdown, below a heading of some depth."""
    yield f"{heading} `{requirement.id}`\n"
    yield f"{requirement.text}\n"
    yield f"- Levels: {_levels(requirement)}"
    yield f"- Judged on: {', '.join(requirement.on)}"
    if requirement.needs:
        yield f"- Needs the capability: `{requirement.needs}`"
    if requirement.model:
        yield "- Depends on the model, so that it never fails"
    yield f"- Sources: {', '.join(map(source, requirement.sources))}"
    if requirement.field:
        yield f"- Seen in the field: {', '.join(map(source, requirement.field))}"
    if requirement.norms:
        yield f"- Norms: {', '.join(requirement.norms)}"
    yield f"- What to do: {requirement.advice}\n"


def source(text: str) -> str:
    """A source as Markdown: an address as a link, a pointer as code."""
    if thread := THREAD.fullmatch(text):
        return f"[{thread[1]}#{thread[2]}]({text})"
    if text.startswith("https://"):
        return f"<{text}>"
    return f"`{text}`" if text.startswith("#") else text
