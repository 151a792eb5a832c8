"""Structured logger of the service."""

from __future__ import annotations

from aws_lambda_powertools import Logger

logger = Logger(service="terraglue")
