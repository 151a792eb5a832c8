"""Notifications: delivers notices to topics and webhooks."""
