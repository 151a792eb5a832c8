"""Presenters: build response bodies from records. `base` is the part of the URL's path before the routes."""
