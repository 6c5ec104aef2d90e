"""The OpenAPI document: whole, and true to the operations."""

from __future__ import annotations

import json
import re
from typing import Any

from florentin_webhooks.simulator.api.openapi import document
from tests.support.simulated import Domain

DOCUMENT: Any = document()  # Any: JSON.


def test_references_lead_to_schemas() -> None:
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert references <= {*DOCUMENT["components"]["schemas"]}
    assert "Customer" in references


def test_operations_have_distinct_names() -> None:
    operations = [each for path in DOCUMENT["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len({*names}) == len(names)
    assert {"createCustomer", "listCustomers", "showCustomer", "consume"} <= {*names}


def test_required_fields_are_those_that_are_refused(domain: Domain) -> None:
    for path, methods in DOCUMENT["paths"].items():
        if "post" not in methods or "{id}" in path:
            continue
        schema = methods["post"]["requestBody"]["content"]["application/json"]["schema"]
        status, content = domain.post(path)
        assert status == 422, path
        assert content["error"]["message"] == f"{schema['required'][0]} is required"
