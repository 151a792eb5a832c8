"""The self-service API. docs/architecture.md describes the packages."""
