"""The operator's command line: users, keys, credits and plans, against AWS or against the store of `make run`."""
