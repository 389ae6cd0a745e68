"""The standard in words: every requirement as text, JSON or Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from conformance.requirement import Profile, Requirement, catalogue, selected

INTRODUCTION = """# What "OpenAI-compatible" means

Each requirement has a level in each profile: `seed` reads the OpenAPI document literally,
`ollama` as Ollama documents it, `openai` as the official clients rely on it. MUST, SHOULD and MAY
are those of RFC 2119; off means that the profile does not ask for it.
"""


def listing(only: tuple[str, ...], form: str) -> str:
    """The requirements that `only` names."""
    chosen = list(dict.fromkeys(requirement.id for requirement, _ in selected(only, catalogue())))
    requirements = [catalogue()[id_] for id_ in chosen]
    if form == "json":
        return json.dumps([as_json(each) for each in requirements], indent=1, ensure_ascii=False)
    if form == "markdown":
        return "\n".join([INTRODUCTION, *_sections(requirements)])
    return "\n".join(f"{each.id:36} {_levels(each):28} {each.text}" for each in requirements)


def explanation(requirement: Requirement, form: str) -> str:
    """One requirement with everything that is known of it."""
    if form == "json":
        return json.dumps(as_json(requirement), indent=1, ensure_ascii=False)
    if form == "markdown":
        return "\n".join(_markdown(requirement))
    return "\n".join(line.replace("`", "").lstrip("#").strip() for line in _markdown(requirement))


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


def _sections(requirements: list[Requirement]) -> Iterator[str]:
    section = ""
    for requirement in requirements:
        name = requirement.id.partition(".")[0]
        if name != section:
            section = name
            yield f"## {name}\n"
        yield from _markdown(requirement)


def _markdown(requirement: Requirement) -> Iterator[str]:
    yield f"### `{requirement.id}`\n"
    yield f"{requirement.text}\n"
    yield f"- Levels: {_levels(requirement)}"
    yield f"- Judged on: {', '.join(requirement.on)}"
    if requirement.needs:
        yield f"- Needs the capability: {requirement.needs}"
    yield f"- Sources: {', '.join(requirement.sources)}"
    if requirement.field:
        yield f"- Seen in the field: {', '.join(requirement.field)}"
    if requirement.norms:
        yield f"- Norms: {', '.join(requirement.norms)}"
    yield f"- What to do: {requirement.advice}\n"
