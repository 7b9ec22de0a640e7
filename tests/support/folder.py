"""Objects and accounts in memory, and the service over both: what the tests of asynchronous work share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rmbg.domain.credits import Account, Channel, Window
from rmbg.domain.geometry import Geometry, Size
from rmbg.domain.jobs import Job
from rmbg.domain.object_keys import upload_key
from rmbg.domain.options import Options
from rmbg.domain.pictures import Cutout, ImageHeader, InvalidImage, SourceFormat
from rmbg.services.authenticate import Identity
from rmbg.services.create_job import CreateJob, parse_job_request
from rmbg.services.credits import Credits
from rmbg.services.object_results import ObjectResults
from rmbg.services.process_object import Outcome, ProcessObject
from rmbg.services.report_job import JobReport, ReportJob
from rmbg.storage import accounts, credits, schema
from rmbg.storage.database import Database
from rmbg.storage.expressions import get, query
from rmbg.storage.notices import Notices
from rmbg.storage.objects import Objects
from rmbg.storage.store import Store
from tests.integration.accounts.books import NOW, Clock, assert_consistent, catalogue_of
from tests.support.memory import CORE, EPHEMERAL, MemoryClient
from tests.support.objects import INPUTS, RESULTS, Fates, MemoryObjects

UID = "usr_1"
LEFT_SECONDS = 120.0
LEASE_IS_OVER = 152.0


class FakeImaging:
    """Imaging of files that begin with `image`; `on` is called with each stage's name."""

    def __init__(self, on: Callable[[str], None] = lambda _: None) -> None:
        self.on = on
        self.made = 0

    def inspect(self, data: bytes) -> ImageHeader:
        if not data.startswith(b"image"):
            raise InvalidImage
        return ImageHeader(SourceFormat.PNG, Size(4, 3))

    def decode(self, data: bytes, header: ImageHeader, geometry: Geometry) -> bytes:
        self.on("decode")
        return data

    def segment(self, picture: bytes) -> bytes:
        self.on("segment")
        return picture

    def render(self, picture: bytes, matte: bytes, geometry: Geometry, options: Options) -> bytes:
        self.on("render")
        return picture

    def encode(self, result: bytes, options: Options) -> Cutout:
        self.on("encode")
        self.made += 1
        return Cutout(b"cut out of " + result, options.format, Size(4, 3))


@dataclass
class Topic:
    """An SNS client that keeps what it is told."""

    told: list[dict[str, Any]] = field(default_factory=list)
    failure: Exception | None = None

    def publish(self, **request: Any) -> dict[str, Any]:
        if self.failure is not None:
            raise self.failure
        self.told.append(request)
        return {}


class Folder:
    """One account, two buckets, a clock that the test turns."""

    def __init__(self, *, included: int = 100, prepaid: int = 0, uid: str = UID) -> None:
        self.clock = Clock()
        self.tables = MemoryClient(CORE, EPHEMERAL)
        self.store = self._store(self.tables)
        self.objects = MemoryObjects()
        self.catalogue = catalogue_of(included)
        self.imaging = FakeImaging()
        self.topic = Topic()
        self.uid = uid
        self.open_account(uid, prepaid)

    def open_account(self, uid: str, prepaid: int = 0) -> None:
        account = Account(uid, "a@b.example", True, "Team", 0, created_at=NOW)
        self.store.database.put(accounts.create(self.store.core, account))
        if prepaid:
            self.store.database.update(credits.add_prepaid(self.store.core, schema.account(uid), prepaid))

    def service(self, fates: Fates | None = None) -> ProcessObject:
        """A process of its own: of the function, with what becomes of its calls."""
        tables, objects = (self.tables, self.objects)
        store = self._store(fates.client(tables) if fates else tables)
        found = Objects(fates.client(objects) if fates else objects)
        return ProcessObject(
            store,
            Credits(store, self.catalogue, self.clock),
            found,
            ObjectResults(found, RESULTS),
            Notices("arn:aws:sns:eu-central-1:123456789012:topic", self.topic),
            self.imaging,
            clock=self.clock,
            monotonic=self.clock,
        )

    def process(self, key: str, *, last: bool = False, fates: Fates | None = None) -> Outcome:
        return self.service(fates).process(INPUTS, key, left_seconds=LEFT_SECONDS, last=last)

    def inbox(self, path: str = "a.jpg", data: bytes = b"image", **metadata: str) -> str:
        """Put a file into the inbox; its key."""
        key = f"inbox/{self.uid}/{path}"
        self.objects.upload(key, data, **metadata)
        return key

    def job(self, document: str = '{"filename": "a.jpg"}', *, key: str = "", channel: Channel = Channel.API) -> Job:
        create = CreateJob(self.store, Objects(self.objects), INPUTS, self.clock)
        request = parse_job_request(document.encode())
        return create.create(Identity(self.account(), channel), request, idempotency_key=key).job

    def send(self, job: Job, data: bytes = b"image") -> str:
        """Upload a job's file; its key."""
        key = upload_key(job.uid, job.id, job.filename)
        self.objects.upload(key, data)
        return key

    def report(self, job: Job) -> JobReport:
        return ReportJob(self.store, Objects(self.objects), RESULTS, self.clock).report(job.uid, job.id)

    def account(self) -> Account:
        row = self.store.database.get(get(self.store.core, schema.account(self.uid)))
        assert row is not None
        return accounts.read_account(row)

    def charged(self, prepaid: int = 0) -> int:
        """What the account has paid once all leases are over, with its books checked."""
        self.clock.advance(LEASE_IS_OVER)
        book = Credits(self.store, self.catalogue, self.clock)
        book.sweep_account(self.account())
        for window in self.windows():
            assert_consistent(window)
            book.sweep_window(self.uid, window)
        account, windows = self.account(), self.windows()
        for window in windows:
            assert_consistent(window)
            assert window.in_flight == 0
        assert (account.in_flight, account.reservations) == (0, ())
        return sum(window.used for window in windows) + prepaid - account.prepaid

    def windows(self) -> list[Window]:
        first, last = schema.window_range(None)
        rows = self.store.database.query(query(self.store.core, schema.account(self.uid).pk, first, last))
        return [credits.read_window(row) for row in rows]

    def _store(self, client: Any) -> Store:
        return Store(Database(client, pause=lambda _: None), CORE, EPHEMERAL)
