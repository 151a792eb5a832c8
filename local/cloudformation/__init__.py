"""CloudFormation for the local AWS emulator: stacks and change sets behind moto's HTTP layer."""
