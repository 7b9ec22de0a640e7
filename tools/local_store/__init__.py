"""What `make run` has in place of AWS: an emulator with the tables, and an issuer of user tokens."""
