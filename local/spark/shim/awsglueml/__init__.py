"""AWS's `awsglueml` needs models that run on Glue only."""
