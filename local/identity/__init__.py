"""Hosted sign-in of the embedded Cognito: its pages, and its OAuth 2.0 endpoints."""
