"""A check of our own for schemathesis.

Data that its schema allows may still be refused where fields do not fit together, the operator does not allow
them, a file is not what its name says, or a cursor was not given by the list; the service has codes of their
own for that. Anything else means that the document promises what the API does not take.
"""

import schemathesis

_MEANING = {"invalid_combination", "invalid_file", "idempotency_key_reused", "bad_cursor"}


@schemathesis.check
def refusals_of_valid_data_are_about_its_meaning(ctx, response, case):
    """What the document allows is never called malformed, but by an operation that promises no success."""
    if not any(status.startswith("2") for status in case.operation.definition.raw["responses"]):
        return
    if response.status_code in (400, 422) and case.meta is not None and case.meta.generation.mode.is_positive:
        code = response.json()["code"]
        assert code in _MEANING, f"valid data was refused as {code}: {response.text}"
