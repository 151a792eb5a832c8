"""Deployment of the service to AWS: builds the package that ships.

Nothing in here runs in Lambda or imports `local`.
"""
