"""The CloudFormation stack of one environment and its content: creation, seeding, update and removal."""
