"""The API process: the unchanged Chalice app behind a local API Gateway, with its events and schedules."""
