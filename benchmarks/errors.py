"""What can go wrong before there is a figure."""


class BenchmarkError(Exception):
    """The benchmark cannot go on; the message is for a person and says what to do."""
