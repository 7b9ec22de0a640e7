"""What can go wrong with the local store. Every message is a whole clause for a person."""


class LocalStoreError(Exception):
    """The store cannot be had."""


class StateInUse(LocalStoreError):
    """Another process keeps its store in this folder."""


class StateNotOurs(LocalStoreError):
    """The folder holds something that we did not put there."""


class StateUnreadable(LocalStoreError):
    """What was kept cannot be read, or does not fit today's template."""


class EmulatorFailed(LocalStoreError):
    """The emulator is not installed, did not start, or does not answer."""


class EmulatorEnded(EmulatorFailed):
    """The emulator has served, and is gone."""


class InvalidCatalogue(LocalStoreError):
    """The catalogue that the user has named cannot be used."""


class StartCancelled(Exception):
    """Whoever asked for the store no longer wants it."""
