"""What counting the money costs: DynamoDB units a request, requests a second, and its share of a request's time."""
