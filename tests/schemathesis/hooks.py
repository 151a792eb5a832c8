"""A custom check for schemathesis.

The API may reject data that its schema allows if fields are an invalid combination or above the operator's
limits, if a file's content does not match its name, or if a cursor is not from the list. These cases have
separate codes. It also rejects unknown names in `fields`, whose description lists the known ones. Any other
rejection means that the document allows data that the API does not accept.
"""

import schemathesis

_MEANING = {"invalid_combination", "invalid_file", "idempotency_key_reused", "bad_cursor"}


for _archive in ("application/zip", "application/x-tar", "application/gzip", "application/x-gzip"):
    schemathesis.serializer.alias(_archive, "application/octet-stream")


@schemathesis.check
def refusals_of_valid_data_are_about_its_meaning(ctx, response, case):
    """Reject no data that the document allows as malformed, except in operations without a success status."""
    if not any(status.startswith("2") for status in case.operation.definition.raw["responses"]):
        return
    if response.status_code in (400, 422) and case.meta is not None and case.meta.generation.mode.is_positive:
        body = response.json()
        code, errors = body["code"], body.get("errors", ())
        if code == "invalid_fields" and {error.get("parameter") for error in errors} == {"fields"}:
            return
        assert code in _MEANING, f"valid data was refused as {code}: {response.text}"
