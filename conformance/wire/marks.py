"""What directed requests carry, so that their bytes tell them from ordinary ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

NO_MODEL = "conformance-no-such-model"  # begins every name of a model that no server has
NO_RESPONSE = "resp_conformance_no_such_response"
NO_TYPE = "conformance_no_such_type"  # of an item, of a part
NO_EFFORT = "conformance_no_such_effort"
NO_PATH = "/conformance-no-such-path"
NO_MEMBER = "conformance_no_such_member"
NO_TOOL = "conformance_no_such_tool"
HUGE_LIMIT = 99_999_999  # tokens that no context holds
WRONG_KEY = "conformance-wrong-key"  # made up, so it is no secret and stays in the record
LONG = 12_000  # characters of a text from which on it may be longer than what a model reads
TEMPLATE = "<|im_end|>"  # of a template, which a text that has such marks has for one
LARGE = 1024 * 1024  # bytes of a body from which on some servers refuse it
WIDE = 1_000_000  # dimensions that no model has

# Members of the official API that the document does not have, at the values that change nothing.
DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "user": "conformance",
        "n": 1,
        "logit_bias": {},
        "metadata": {},
        "store": False,
        "service_tier": "auto",
        "parallel_tool_calls": True,
    }
)
