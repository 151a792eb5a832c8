"""One-time setup of the service, as an operator does it in the cloud: identity, storage, roles, release."""
