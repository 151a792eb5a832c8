"""The CloudFormation stack of one environment: what creates, changes and removes it."""
