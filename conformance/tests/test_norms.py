"""Every researched norm stands in exactly one place."""

import tomllib
from collections import Counter

from conformance.data import SPECS
from conformance.requirement import catalogue
from reference_server.variants import VARIANTS

NORMS = tomllib.loads((SPECS / "norms.toml").read_text(encoding="utf-8"))


def numbered(family: str, number: int) -> str:
    return f"{family}-{number:02}"


def test_each_norm_is_kept_by_a_requirement_or_stands_in_one_list() -> None:
    counts = NORMS["families"].items()
    every = {numbered(family, n + 1) for family, count in counts for n in range(count)}
    assert len(every) == 420
    kept = {norm for requirement in catalogue().values() for norm in requirement.norms}
    listed = Counter([*kept, *NORMS["excluded"], *NORMS["variants"]])
    listed += Counter(numbered(family, n) for family, ns in NORMS["to-come"].items() for n in ns)
    assert listed.keys() == every
    assert [norm for norm, count in listed.items() if count > 1] == []


def test_what_is_not_judged_says_why() -> None:
    assert all(reason.endswith(".") and len(reason) > 20 for reason in NORMS["excluded"].values())


def test_what_only_permits_is_held_by_a_variant() -> None:
    for norm, id_ in NORMS["variants"].items():
        assert norm in VARIANTS[id_].norms
