"""A record holds what it may, and nobody's name finds a place in it."""

import json
import math

import pytest

from adrl_core.config import ConfigurationError
from adrl_core.governance.minimisation import DecisionRecord, minimal

RECORD = {
    "seed": 2**31,
    "episode": 7,
    "step": 99,
    "policy_hash": "0f" * 32,
    "live": True,
    "state": [0.5] * 10,
    "mode": 2,
    "q_values": [1.0] * 10,
    "proposals": {"level": 9, "allocation": [0.2, 0.3, 0.5]},
    "wanted": {"bid": math.nan, "allocation": [0.2, 0.3, math.inf]},
    "final": {"bid": 1.5, "allocation": [0.2, 0.3, 0.5]},
    "asked": 2.0,
    "overrides": ["number"],
}


def test_a_decision_is_held_whole():
    record = minimal(RECORD)
    assert record.final.allocation == (0.2, 0.3, 0.5)
    assert math.isnan(record.wanted.bid)
    minimal({**RECORD, "mode": None, "q_values": None, "proposals": None, "asked": None, "live": False})


def test_numbers_that_json_spells_out_are_read_back():
    spelled = {**RECORD, "wanted": {"bid": "nan", "allocation": [0.2, 0.3, "inf"]}}
    assert minimal(json.loads(json.dumps(spelled))).wanted.allocation[2] == math.inf


@pytest.mark.parametrize("field", ["user_id", "email", "ip_address", "age", "gender", "note"])
@pytest.mark.parametrize("place", [(), ("wanted",), ("final",), ("proposals",)])
def test_personal_fields_are_refused_everywhere(field, place):
    record = json.loads(json.dumps(RECORD))
    node = record
    for name in place:
        node = node[name]
    node[field] = "Jane Doe"
    with pytest.raises(ConfigurationError, match=rf"{field}: unknown parameter"):
        minimal(record)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("policy_hash", "Jane Doe"),
        ("overrides", ["Jane Doe"]),
        ("state", [0.5] * 11),
        ("q_values", [1.0] * 9),
        ("step", 100),
        ("seed", "Jane Doe"),
        ("mode", 3),
    ],
)
def test_values_that_do_not_belong_are_refused(field, value):
    with pytest.raises(ConfigurationError, match=field):
        minimal({**RECORD, field: value})


def test_no_field_takes_free_text():
    """Every string in the schema is a pattern of hexadecimal digits or a word of a fixed list."""
    strings = []

    def walk(node):
        if isinstance(node, dict):
            if node.get("type") == "string":
                strings.append(node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(DecisionRecord.model_json_schema())
    assert len(strings) == 2
    assert all("enum" in node or node["pattern"] == "^[0-9a-f]{64}$" for node in strings)
