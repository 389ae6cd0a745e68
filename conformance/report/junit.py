"""`junit.xml`: a test case for each requirement on each surface, in the profile in force."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, tostring

from conformance.ledger import Recording
from conformance.report.clean import clean
from conformance.requirement import Profile
from conformance.text import smallest
from conformance.verdict import Judgement, Row, Verdict

CHILDREN = {
    Verdict.ERROR: "error",
    Verdict.FAIL: "failure",
    Verdict.INCONCLUSIVE: "skipped",
    Verdict.NOT_CLAIMED: "skipped",
}


def render(judgement: Judgement, _: Recording) -> str:
    """The XML text."""
    profile = Profile(judgement.head.profile)
    rows = [row for row in judgement.rows if profile in row.verdicts]
    suite = Element("testsuite", name=clean(judgement.head.target), tests=str(len(rows)))
    for row in rows:
        _case(suite, row, profile)
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
    root = Element("testsuites")
    root.append(suite)
    return tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _case(suite: Element, row: Row, profile: Profile) -> None:
    verdict = row.verdicts[profile]
    case = SubElement(suite, "testcase", classname=row.surface, name=row.requirement.id)
    text = clean("\n".join(lines(row)))
    kind = "skipped" if row.waived else CHILDREN.get(verdict)
    if kind is not None:
        said = f"waived: {row.waived}" if row.waived else row.reason or row.requirement.text
        child = SubElement(case, kind, message=clean(said))
        child.text = text
    elif row.findings:
        SubElement(case, "system-out").text = f"{verdict}\n{text}"


def lines(row: Row) -> Iterator[str]:
    """The findings of a row in words."""
    yield row.requirement.text
    for found in row.findings:
        yield f"exchange {found.exchange}: expected {found.expected}; got {found.observed}"
    if row.smallest:
        yield smallest(row.smallest)
    if row.findings:
        yield f"{row.broken} of {row.judged} judged deviate. {row.requirement.advice}"
