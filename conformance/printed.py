"""The whole standard as one document in Markdown.

The words that do not follow from data stand in `specs/introduction.md`; everything else is made
from what the suite itself uses, so that the two cannot disagree.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from itertools import groupby

from conformance import bugs
from conformance.contract.contract import load
from conformance.data import SPECS
from conformance.requirement import Level, Profile, Requirement, catalogue
from conformance.rulings import Ruling, rulings, traps, unvaried
from conformance.standard import entry, source
from reference_server.faults import FAULTS
from reference_server.variants import VARIANTS, Variant

FIRST = (
    *("http", "errors", "sse", "robustness", "models", "chat", "chat-stream", "completions"),
    *("completions-stream", "embeddings", "images", "responses", "responses-stream"),
)
TITLES = {"odd": "odd requests"}
SUITE = "A rule for the suite itself"  # begins the reason of norms that bind the tester


def document() -> str:
    """The standard."""
    parts = [
        ("Requirements", list(_requirements())),
        ("Rulings", list(_rulings())),
        ("What a server may do", list(_variants())),
        ("What does not fail a server", list(_traps())),
        ("What is not judged", list(_excluded())),
        ("Bugs seen in the field", list(_bugs())),
    ]
    introduction = (SPECS / "introduction.md").read_text(encoding="utf-8").rstrip()
    lines = [introduction, "", _made_for(), ""]
    lines += ["## Contents", "", "- [How to read it](#how-to-read-it)"]
    for title, body in parts:
        lines.append(_link(title))
        found = (re.fullmatch("### (.*)", line) for line in body)
        inner = [match[1] for match in found if match]
        lines += [f"  {_link(name)}" for name in inner if not name.startswith("RUL-")]
    for title, body in parts:
        lines += ["", f"## {title}", "", *body]
    return "\n".join(lines)


def _made_for() -> str:
    suite, digest = metadata.version("openai-conformance"), load().document.digest
    return (
        f"This text was made by version {suite} of the suite; SHA-256 of the document: `{digest}`."
    )


def _link(title: str) -> str:
    return f"- [{title}](#{_anchor(title)})"


def _reference(id_: str) -> str:
    """A requirement, with a link to it."""
    return f"[`{id_}`](#{_anchor(id_)})"


def _anchor(title: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


# ---------------------------------------------------------------------------- requirements


def _requirements() -> Iterator[str]:
    every = list(catalogue().values())
    counts = ", ".join(f"{_musts(every, profile)} of them under `{profile}`" for profile in Profile)
    needs = sorted({requirement.needs for requirement in every} - {""})
    yield f"{len(every)} requirements. MUST stands in {counts}."
    yield from ("", f"Some need a capability: {', '.join(f'`{name}`' for name in needs)}.")
    families = dict.fromkeys(_family(each.id) for each in every)
    for family in sorted(families, key=_rank):
        chosen = [each for each in every if each.id.startswith(f"{family}.")]
        yield from ("", f"### {family}", "", _about(family), "")
        yield from ("| requirement | seed | ollama | openai |", "|---|---|---|---|")
        for requirement in chosen:
            levels = " | ".join(_level(requirement.levels[profile]) for profile in Profile)
            yield f"| {_reference(requirement.id)} | {levels} |"
        yield ""
        for requirement in chosen:
            yield from entry(requirement, "####")


def _rank(family: str) -> int:
    """What holds everywhere comes first, then surfaces, each with its stream."""
    return FIRST.index(family) if family in FIRST else len(FIRST)


def _musts(every: Iterable[Requirement], profile: Profile) -> int:
    return sum(requirement.levels[profile] is Level.MUST for requirement in every)


def _level(level: Level) -> str:
    return "" if level is Level.OFF else level.value


def _about(family: str) -> str:
    """The words that stand at the head of a file of requirements."""
    text = (SPECS / "requirements" / f"{family}.toml").read_text(encoding="utf-8")
    head = text.partition("\non = ")[0].splitlines()
    return " ".join(line.removeprefix("#").strip() for line in head if line.startswith("#"))


# ---------------------------------------------------------------------------- rulings and variants


def _rulings() -> Iterator[str]:
    yield (
        "Where the document, Ollama and OpenAI disagree, or where the document contradicts itself, "
        "one reading had to be chosen."
    )
    for ruling in rulings().values():
        yield from ("", f"### {ruling.id} {ruling.question}", "", ruling.ruling, "")
        yield from (f"*Why:* {ruling.reasoning}", "")
        yield from _threads(ruling)


def _threads(ruling: Ruling) -> Iterator[str]:
    """What hangs together with a ruling."""
    kept = [r.id for r in catalogue().values() if set(r.norms) & set(ruling.norms)]
    permitted = [v.id for v in VARIANTS.values() if ruling.id in v.rulings]
    if ruling.norms:
        yield f"- Norms: {', '.join(ruling.norms)}"
    if kept:
        yield f"- Requirements: {', '.join(map(_reference, kept))}"
    if permitted:
        yield f"- Permitted: {', '.join(f'`{id_}`' for id_ in permitted)}"
    elif ruling.id in unvaried():
        yield f"- No variant stands for it: {unvaried()[ruling.id]}"
    yield f"- Sources: {', '.join(map(source, ruling.sources))}"


def _variants() -> Iterator[str]:
    yield (
        f"{len(VARIANTS)} other ways to answer that the standard permits, in all profiles or in "
        "some: what is warned of, or noted, or fails there, is named. The reference server takes "
        "each of them below `/variant/ID/v1`, and the suite is proved to say exactly this of each."
    )
    ordered = sorted(VARIANTS.values(), key=lambda variant: _rank(_family(variant.id)))
    for family, found in groupby(ordered, lambda variant: _family(variant.id)):
        yield from ("", f"### {TITLES.get(family, family)}, permitted", "")
        yield from ("| variant | seed | ollama | openai | stands for |", "|---|---|---|---|---|")
        for variant in found:
            said = " | ".join(_said(variant, profile) for profile in Profile)
            stands = ", ".join(variant.stands_for)
            yield f"| `{variant.id}` {_cell(_told(variant))} | {said} | {stands} |"


def _family(id_: str) -> str:
    return id_.partition(".")[0]


def _told(variant: Variant) -> str:
    warned = f" Noticed by {', '.join(map(_reference, sorted(variant.warns)))}."
    vendor = f" The vendor declares {', '.join(variant.without)} absent."
    return f"{variant.text}{warned * bool(variant.warns)}{vendor * bool(variant.without)}"


def _said(variant: Variant, profile: Profile) -> str:
    """What a profile says of a variant."""
    if profile not in variant.profiles:
        return "fails"
    levels = {catalogue()[id_].levels[profile] for id_ in variant.warns}
    return "warned" if Level.SHOULD in levels else "noted" if Level.MAY in levels else "yes"


def _traps() -> Iterator[str]:
    yield "What would fail good servers if a text were taken literally, and what is done instead."
    yield from ("", "| | trap | what is done |", "|---|---|---|")
    for trap in traps().values():
        yield f"| {trap.id} | {_cell(trap.trap)} | {_cell(trap.handling)} |"


# ---------------------------------------------------------------------------- what is left out


def _excluded() -> Iterator[str]:
    norms = tomllib.loads((SPECS / "norms.toml").read_text(encoding="utf-8"))
    reasons: Mapping[str, str] = norms["excluded"]
    left = {norm: why for norm, why in reasons.items() if not why.startswith(SUITE)}
    yield (
        "Some norms of the research are no requirements: what would harm a server, what reaches "
        "beyond it, what nobody can see from outside. "
        f"{len(reasons) - len(left)} more bind the tester and are held by its own tests."
    )
    yield from ("", "| norm | why it is not judged |", "|---|---|")
    yield from (f"| {norm} | {_cell(why)} |" for norm, why in left.items())
    if waiting := sum(map(len, norms.get("to-come", {}).values())):
        yield from ("", f"{waiting} norms have no requirement yet.")


def _bugs() -> Iterator[str]:
    shares = bugs.shares(FAULTS.values())
    yield (
        f"{shares['of']} bugs of real servers, with the reports in which they were seen. "
        f"{shares['bugs']} of them the reference server can commit, and the suite names each."
    )
    yield from ("", bugs.table("markdown"))
