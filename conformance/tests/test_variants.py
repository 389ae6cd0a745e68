"""What is permitted is held: every ruling, trap and exception by a variant, or with a reason."""

from dataclasses import replace

import pytest

from conformance import variants
from conformance.contract.contract import load
from conformance.contract.document import has
from conformance.ledger import Recording
from conformance.printed import document
from conformance.prove import Proof
from conformance.requirement import Profile, catalogue
from conformance.rulings import rulings, tolerant, traps, unvaried
from reference_server.faults import FAULTS
from reference_server.variants import VARIANTS, Variant

NORMS = {norm for requirement in catalogue().values() for norm in requirement.norms}


def test_every_ruling_trap_and_exception_stands_for_a_variant_or_says_why_not() -> None:
    wanted = {*rulings(), *traps(), *tolerant()}
    shown = {name for variant in VARIANTS.values() for name in variant.stands_for}
    assert wanted - shown == unvaried().keys() & wanted == unvaried().keys()
    assert len(rulings()) == 50
    assert len(traps()) == 20


def test_a_variant_says_what_it_does_and_what_it_stands_for() -> None:
    for variant in VARIANTS.values():
        assert variant.text.endswith(".")
        assert variant.stands_for
        assert set(variant.rulings) <= rulings().keys()
        assert set(variant.traps) <= traps().keys()
        assert variant.profiles
        assert set(variant.profiles) <= set(Profile)
        assert variant.warns | variant.hides <= catalogue().keys()


def test_rulings_say_why_and_where() -> None:
    for ruling in rulings().values():
        assert min(map(len, (ruling.question, ruling.ruling, ruling.reasoning))) > 12
        assert ruling.sources
        for source in ruling.sources:
            assert source.startswith(("https://", "RFC ")) or has(load().judging.tree, source)


def made(**members: object) -> Variant:
    return replace(VARIANTS["sse.cr-lf"], id="made", wire=False, **members)


CLAIMS = {
    "a fault that is called permitted": ("chat-stream.forgets-done", {}, "noticed by"),
    "a warning that does not come": ("", {"warns": frozenset({"sse.no-bom"})}, "missed by"),
    "a profile that permits it all the same": ("", {"profiles": ("seed",)}, "exit code 0"),
    "a surface that is there no more": ("http.hides-the-stream", {}, "exit code 1 in seed"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_the_proof_sees_a_variant_that_says_too_much(clean: Recording, name: str) -> None:
    fault, members, said = CLAIMS[name]
    change = FAULTS[fault].change if fault else VARIANTS["sse.cr-lf"].change
    (passed,) = variants.recorded(
        Proof(clean), [made(change=change, on=("chat-stream",), **members)]
    )
    assert not passed.holds
    assert any(said in problem for problem in passed.problems())


def test_the_proof_sees_a_variant_that_blinds_the_suite(clean: Recording) -> None:
    nothing = made(change=lambda reply: replace(reply, pieces=()), on=("chat-stream",))
    assert not next(variants.recorded(Proof(clean), [nothing])).holds
    idle = made(change=lambda reply: reply)
    assert list(next(variants.recorded(Proof(clean), [idle])).problems()) == [
        "variant made changes nothing that was recorded"
    ]


def test_an_open_end_mark_leaves_nothing_undecided(clean: Recording) -> None:
    """Seen by the variant that leaves it open: no grammar was judged any more."""
    proof = Proof(clean)
    judgement = proof.judged(proof.after(VARIANTS["sse.leaves-done-open"]))
    rows = {(row.requirement.id, row.surface): row for row in judgement.rows}
    assert rows["chat-stream.one-finish", "chat-stream"].judged
    assert rows["chat-stream.usage-when-asked", "chat-stream"].judged


def test_the_standard_is_one_document() -> None:
    text = document()
    assert text.startswith("# ")
    for name in (*catalogue(), *rulings(), *traps(), *VARIANTS):
        assert name in text
    links = {link for line in text.splitlines() for link in _links(line)}
    assert links <= {f"#{anchor}" for anchor in _anchors(text)}


def _links(line: str) -> list[str]:
    return [part.partition(")")[0] for part in line.split("](")[1:] if part.startswith("#")]


def _anchors(text: str) -> set[str]:
    heads = (line.lstrip("#").strip().lower() for line in text.splitlines() if line.startswith("#"))
    kept = ("".join(c for c in head if c.isalnum() or c in "-_ ") for head in heads)
    return {head.replace(" ", "-") for head in kept}
