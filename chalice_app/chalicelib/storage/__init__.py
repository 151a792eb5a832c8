"""What the service stores: records in DynamoDB, releases and job files in S3."""
