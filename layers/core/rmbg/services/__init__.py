"""One use case a module. Services know the domain and what storage and imaging promise, never how they do it."""
