"""HTTP as API Gateway hands it over: reading forms, writing answers."""
