"""The database and the names of its two tables, as services are given them."""

from dataclasses import dataclass

from rmbg.storage.database import Database, connect


@dataclass(frozen=True, slots=True)
class Store:
    """`core` keeps accounts and credits, `ephemeral` what may be forgotten after a day or two."""

    database: Database
    core: str
    ephemeral: str


def open_store(core: str, ephemeral: str, endpoint_url: str | None) -> Store:
    """The store of this environment; its first call imports the SDK and connects."""
    return Store(connect(endpoint_url), core, ephemeral)
