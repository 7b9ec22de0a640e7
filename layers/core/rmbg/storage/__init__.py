"""DynamoDB and S3 behind the promises that services need."""
