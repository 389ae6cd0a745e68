"""A judgement in plain words, for the terminal. Server text never reaches it unescaped."""

from __future__ import annotations

from collections.abc import Iterator

from conformance import covered
from conformance.check import Finding
from conformance.requirement import Level, Profile, catalogue
from conformance.verdict import Exit, Judgement, Row, Smallest, Verdict

HEADLINES = {
    Exit.CONFORMS: "conforms",
    Exit.BROKEN: "does not conform",
    Exit.TESTER: "could not be judged: the suite itself failed",
    Exit.UNUSABLE: "cannot be used as an API",
    Exit.UNDECIDED: "cannot be told: not enough could be judged",
}
SHOWN = 160  # characters of a value on a line


def plain(text: str, shown: int = SHOWN) -> str:
    """Text that a terminal cannot be steered by: anything but printable characters is escaped."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe if len(safe) <= shown else f"{safe[: shown - 1]}…"


def finding(found: Finding, profile: Profile) -> str:
    """A finding on one line, or nothing if its rule is off in the profile."""
    level = catalogue()[found.requirement].levels[profile]
    if level is Level.OFF:
        return ""
    word = {Level.MUST: "FAIL", Level.SHOULD: "WARN", Level.MAY: "NOTE"}[level]
    where = f"exchange {found.exchange}"
    if found.at.event is not None:
        where += f", event {found.at.event}"
    if found.at.pointer:
        where += f", {plain(found.at.pointer)}"
    expected, observed = plain(found.expected), plain(found.observed)
    return f"{word} {found.surface}::{found.requirement}: {expected}; got {observed} ({where})"


def smallest(found: Smallest) -> str:
    """What the smallest request that fails depends on."""
    members = f"needs {plain(', '.join(found.members))}" if found.members else "needs nothing more"
    return f"the smallest request that fails is exchange {found.finding.exchange}; it {members}"


def summary(judgement: Judgement) -> Iterator[str]:
    """The whole of a judgement, the most important first."""
    profile = Profile(judgement.head.profile)
    code = judgement.exit(profile)
    run = f"profile {profile}, {judgement.head.intensity}"
    yield f"{judgement.head.target} {HEADLINES[code]} ({run})"
    if judgement.unusable:
        yield f"  {plain(judgement.unusable, 2 * SHOWN)}"
        return
    yield from (f"  {plain(reason)}" for reason in judgement.undecided)
    yield from (f"  error in the suite: {plain(error)}" for error in judgement.errors[:5])
    yield from _claims(judgement)
    yield from _inconclusive(judgement, profile)
    yield from _findings(judgement, profile)
    yield from _coverage(judgement)
    counts = [f"{n} {verdict}" for verdict, n in judgement.count(profile).items() if n]
    busy = f", {judgement.busy} of them answered 429 or 503" if judgement.busy else ""
    more = f", {judgement.smaller} more to make failing requests smaller"
    more = more if judgement.smaller else ""
    yield f"{', '.join(counts)}; {judgement.exchanges} exchanges{busy}{more}"


def _coverage(judgement: Judgement) -> Iterator[str]:
    if (total := covered.total(judgement.coverage)).sent:
        yield (
            f"of the document: {total.sent} of {total.sendable} kinds of value sent, "
            f"{total.left_out} left out with a reason; "
            f"{total.seen} of {total.answers} seen in answers"
        )


def _claims(judgement: Judgement) -> Iterator[str]:
    for claim in judgement.unclaimed:
        yield f"  not claimed: {claim.name}, {claim.why}"


def _rows(judgement: Judgement, profile: Profile, *verdicts: Verdict) -> list[Row]:
    rows = [row for row in judgement.rows if row.verdicts.get(profile) in verdicts]
    return sorted(rows, key=lambda row: row.verdicts[profile].rank)


def _inconclusive(judgement: Judgement, profile: Profile) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for row in _rows(judgement, profile, Verdict.INCONCLUSIVE):
        reasons.setdefault(row.reason, []).append(f"{row.surface}::{row.requirement.id}")
    for reason, names in reasons.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"  not judged: {', '.join(names[:3])}{more}: {plain(reason)}"


def _findings(judgement: Judgement, profile: Profile) -> Iterator[str]:
    wanted = (Verdict.ERROR, Verdict.FAIL, Verdict.WARN, Verdict.NOTE)
    for row in _rows(judgement, profile, *wanted):
        if not row.findings:
            continue
        waived = f" (waived: {plain(row.waived)})" if row.waived else ""
        times = f"broken {row.broken} of {row.judged} times"
        yield f"{finding(row.findings[0], profile)}; {times}{waived}"
        yield f"     {row.requirement.text}"
        if row.smallest:
            yield f"     {smallest(row.smallest)}"
