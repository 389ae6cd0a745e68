"""`python -m conformance.contract` writes `specs/contract.json`, the judging view."""

from conformance.contract.contract import CONTRACT, load, render

CONTRACT.write_text(render(load()), encoding="utf-8")
