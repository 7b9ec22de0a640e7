"""A process that takes credits, says so, and waits to be killed.

python -m tests.integration.accounts.doomed ENDPOINT CORE EPHEMERAL NOW MODE UID...

MODE: `reserve` takes a credit of each account; `work` makes pictures of the first account until the end, and says
`committed` after each; `keyed` begins one under the Idempotency-Key "key".
"""

import sys
import threading

from rmbg.domain.credits import Channel
from rmbg.services.deadline import Deadline
from rmbg.storage.database import Database
from rmbg.storage.store import Store
from tests.integration.accounts.books import Books
from tools.local_store.tables import dynamodb_client


def main(endpoint_url: str, core: str, ephemeral: str, now: str, mode: str, *uids: str) -> None:
    store = Store(Database(dynamodb_client(endpoint_url)), core, ephemeral)
    books = Books(store, lambda: float(now))
    found = [books.account(uid) for uid in uids]
    if mode == "reserve":
        for account in found:
            print(books.reserve(account, Channel.APP).bucket, flush=True)
    elif mode == "keyed":
        books.payment(found[0], key="key").begin(lambda: "fingerprint")
        print("begun", flush=True)
    else:
        threads = [threading.Thread(target=_work, args=(books, uids[0]), daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
    threading.Event().wait()


def _work(books: Books, uid: str) -> None:
    while True:
        payment = books.payment(books.account(uid))
        payment.begin(lambda: "")
        payment.commit(Deadline(5.0, lambda: 0.0))
        sys.stdout.write("committed\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
