"""The Lambda functions: thin handlers over the services."""
