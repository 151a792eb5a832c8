"""IAM for the local AWS emulator: checks each call against the policies of its caller."""
