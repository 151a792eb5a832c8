"""Routes: the views of the API by subject. A view parses, calls the service once and returns."""
