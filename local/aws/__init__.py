"""boto3 clients of the local AWS emulator, and the events that its services publish."""
