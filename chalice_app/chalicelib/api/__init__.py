"""HTTP: the table of operations, authentication, requests, responses and the OpenAPI document."""
