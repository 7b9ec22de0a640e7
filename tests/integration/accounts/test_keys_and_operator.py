"""API keys and the operator's changes under races: limits hold, what is revoked is refused, what is repeated is not."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from rmbg.domain.credits import Account, Channel
from rmbg.errors import PublicError
from rmbg.services.authenticate import Authenticator
from rmbg.services.credits import CreditsExhausted
from rmbg.services.manage_keys import ManageKeys, NewKey
from rmbg.services.operate import IssuedKey, NotFound, Operate, Operation, Refused
from rmbg.services.user_tokens import UserTokens
from rmbg.storage import schema
from rmbg.storage.database import TransactionFailed
from rmbg.storage.expressions import query
from rmbg.storage.store import Store
from tests.integration.accounts.books import Books, Clock, assert_consistent, new_id, race

MAX_KEYS = 20


@pytest.fixture
def manage(store: Store, clock: Clock) -> ManageKeys:
    return ManageKeys(store, clock=clock)


@pytest.fixture
def operate(books: Books) -> Operate:
    return Operate(books.store, books.catalogue, books.clock)


@pytest.fixture
def authenticator(books: Books) -> Authenticator:
    return Authenticator(books.store, books.catalogue, UserTokens("", ""), books.clock)


def _operation(kind: str = "test", identifier: str = "") -> Operation:
    return Operation(identifier or new_id(), kind, "operator", "a test")


def _ledger(books: Books, uid: str) -> list[str]:
    rows = books.store.database.query(query(books.store.core, schema.account(uid).pk, "L#", "L#~"))
    return [str(row["sk"]) for row in rows]


def _nkeys(books: Books, uid: str) -> int:
    row = books.row(schema.account(uid)) or {}
    return int(row["nkeys"])


def _refused(authenticator: Authenticator, key: str) -> bool:
    try:
        authenticator.by_key(key)
    except PublicError as error:
        return error.status == 401
    return False


@pytest.mark.parametrize("racers", [19, 20, 21, 40])
def test_racing_creations_make_20_keys_and_no_more(
    books: Books, manage: ManageKeys, authenticator: Authenticator, racers: int
) -> None:
    account = books.open_account()
    made, refused = race(racers, lambda _: manage.create(account), refusals=PublicError)
    assert (len(made), len(refused)) == (min(racers, MAX_KEYS), max(0, racers - MAX_KEYS))
    assert {error.status for error in refused if isinstance(error, PublicError)} <= {409}
    assert _nkeys(books, account.uid) == len(made)
    assert {key.id for key in books.account(account.uid).keys} == {new.key.id for new in made}
    for new in made:
        identity = authenticator.by_key(new.text)
        assert (identity.account.uid, identity.channel, identity.key_id) == (account.uid, Channel.API, new.key.id)


def test_a_revoked_key_makes_room_for_one(books: Books, manage: ManageKeys) -> None:
    account = books.open_account()
    made = [manage.create(account) for _ in range(MAX_KEYS)]
    manage.revoke(account.uid, made[0].key.id)
    again, refused = race(5, lambda _: manage.create(account), refusals=PublicError)
    assert (len(again), len(refused)) == (1, 4)


def test_a_key_revoked_by_ten_at_once_is_revoked_once(books: Books, manage: ManageKeys) -> None:
    account = books.open_account()
    kept, revoked = manage.create(account), manage.create(account)
    done, refused = race(10, lambda _: manage.revoke(account.uid, revoked.key.id), refusals=PublicError)
    assert (len(done), len(refused)) == (1, 9)
    assert {error.status for error in refused if isinstance(error, PublicError)} == {404}
    assert _nkeys(books, account.uid) == 1
    assert [key.id for key in books.account(account.uid).keys] == [kept.key.id]


def test_a_revoked_key_is_refused_on_the_next_request_by_a_process_that_knows_it(
    books: Books, manage: ManageKeys, authenticator: Authenticator
) -> None:
    account = books.open_account()
    revoked, kept = manage.create(account), manage.create(account)
    for new in (revoked, kept):
        authenticator.note_use(authenticator.by_key(new.text))
    manage.revoke(account.uid, revoked.key.id)
    assert _refused(authenticator, revoked.text)
    assert authenticator.by_key(kept.text).key_id == kept.key.id
    row = books.row(schema.account(account.uid)) or {}
    assert not any(revoked.key.id in name for name in row)


def test_nobody_revokes_the_key_of_another_account(books: Books, manage: ManageKeys) -> None:
    account, other = books.open_account(), books.open_account()
    new = manage.create(account)
    with pytest.raises(PublicError):
        manage.revoke(other.uid, new.key.id)
    assert books.account(account.uid).key(new.key.id) is not None


def test_a_suspended_account_is_refused_on_the_next_request(
    books: Books, manage: ManageKeys, operate: Operate, authenticator: Authenticator
) -> None:
    account = books.open_account()
    new = manage.create(account)
    authenticator.by_key(new.text)
    operate.suspend(_operation("user-suspend"), account.uid, suspended=True)
    assert _refused(authenticator, new.text)
    operate.suspend(_operation("user-resume"), account.uid, suspended=False)
    assert not _refused(authenticator, new.text)


def test_rotation_revokes_all_other_keys_at_once(
    books: Books, manage: ManageKeys, operate: Operate, authenticator: Authenticator
) -> None:
    account = books.open_account()
    old = [manage.create(account) for _ in range(MAX_KEYS)]
    for new in old:
        authenticator.by_key(new.text)
    issued = operate.rotate_keys(_operation("key-rotate"), account.uid)
    assert issued.text is not None
    assert all(_refused(authenticator, new.text) for new in old)
    assert authenticator.by_key(issued.text).key_id == issued.id
    assert _nkeys(books, account.uid) == 1


def test_racing_rotations_leave_one_key_that_works(
    books: Books, manage: ManageKeys, operate: Operate, authenticator: Authenticator
) -> None:
    account = books.open_account()
    first = manage.create(account)
    issued, _ = race(10, lambda _: operate.rotate_keys(_operation("key-rotate"), account.uid), refusals=Refused)
    assert issued
    (live,) = books.account(account.uid).keys
    assert _nkeys(books, account.uid) == 1
    assert _refused(authenticator, first.text)
    working = [new for new in issued if new.text is not None and not _refused(authenticator, new.text)]
    assert [new.id for new in working] == [live.id]


def test_a_rotation_that_races_creations_revokes_what_it_saw_or_nothing(
    books: Books, manage: ManageKeys, operate: Operate
) -> None:
    for _ in range(5):
        account = books.open_account()
        first = manage.create(account)

        def act(index: int, uid: str = account.uid, account: Account = account) -> NewKey | IssuedKey:
            return manage.create(account) if index else operate.rotate_keys(_operation("key-rotate"), uid)

        race(4, act, refusals=Refused)
        live = books.account(account.uid).keys
        assert _nkeys(books, account.uid) == len(live)
        rotated = first.key.id not in {key.id for key in live}
        assert len(live) == 4 if not rotated else len(live) <= 4


def test_a_rotation_of_keys_that_have_changed_since_is_refused(books: Books, manage: ManageKeys) -> None:
    account = books.open_account()
    manage.create(account)
    seen = books.account(account.uid)
    manage.create(account)
    with pytest.raises(TransactionFailed):
        manage.rotate(seen, also=lambda _: [])
    assert _nkeys(books, account.uid) == len(books.account(account.uid).keys) == 2


def test_a_rotation_of_no_keys_is_refused_when_there_is_one_by_now(books: Books, manage: ManageKeys) -> None:
    seen = books.open_account()
    manage.create(seen)
    with pytest.raises(TransactionFailed):
        manage.rotate(seen, also=lambda _: [])
    assert _nkeys(books, seen.uid) == len(books.account(seen.uid).keys) == 1


def _repeat(act: Callable[[], object]) -> list[object]:
    results, _ = race(10, lambda _: act())
    return [*results, act()]


def test_credits_granted_ten_times_under_one_id_are_granted_once(books: Books, operate: Operate) -> None:
    account = books.open_account(prepaid=5)
    operation = _operation("credits-grant")
    assert set(_repeat(lambda: operate.add_credits(operation, account.uid, 7))) == {12}
    assert books.account(account.uid).prepaid == 12
    assert _ledger(books, account.uid) == [f"L#credits-grant#{operation.id}"]
    with pytest.raises(Refused):
        operate.add_credits(operation, account.uid, 8)
    operate.add_credits(_operation("credits-deduct", operation.id), account.uid, -20)
    assert books.account(account.uid).prepaid == -8


def test_a_user_created_ten_times_under_one_id_is_one_user(books: Books, operate: Operate) -> None:
    operation = _operation("user-create")
    uids = set(_repeat(lambda: operate.create_user(operation, email="a@b.example", verified=True, plan_name="Team")))
    (uid,) = uids
    account = books.account(str(uid))
    assert (account.email, account.plan, account.included, account.prepaid) == ("a@b.example", "Team", 100, 0)
    with pytest.raises(Refused):
        operate.create_user(operation, email="c@d.example", verified=True, plan_name="Team")


def test_a_key_issued_ten_times_under_one_id_is_one_key_shown_once(
    books: Books, operate: Operate, authenticator: Authenticator
) -> None:
    account = books.open_account()
    operation = _operation("key-issue")
    issued, _ = race(10, lambda _: operate.issue_key(operation, account.uid))
    (live,) = books.account(account.uid).keys
    assert {new.id for new in issued} == {live.id}
    (text,) = [new.text for new in issued if new.text is not None]
    assert authenticator.by_key(text).key_id == live.id
    assert _nkeys(books, account.uid) == 1


def test_keys_rotated_ten_times_under_one_id_are_rotated_once(
    books: Books, operate: Operate, manage: ManageKeys
) -> None:
    account = books.open_account()
    manage.create(account)
    operation = _operation("key-rotate")
    issued, _ = race(10, lambda _: operate.rotate_keys(operation, account.uid))
    (live,) = books.account(account.uid).keys
    assert {new.id for new in issued} == {live.id}
    assert sum(new.text is not None for new in issued) == 1


def test_a_key_revoked_ten_times_under_one_id_is_revoked_once(
    books: Books, operate: Operate, manage: ManageKeys
) -> None:
    account = books.open_account()
    new, kept = manage.create(account), manage.create(account)
    operation = _operation("key-revoke")
    assert set(_repeat(lambda: operate.revoke_key(operation, new.key.id))) == {account.uid}
    assert [key.id for key in books.account(account.uid).keys] == [kept.key.id]
    assert _nkeys(books, account.uid) == 1
    with pytest.raises(NotFound):
        operate.revoke_key(_operation("key-revoke"), new.key.id)


def test_a_plan_set_ten_times_under_one_id_is_set_once_and_keeps_what_was_used(books: Books, operate: Operate) -> None:
    account = books.open_account(plan="Free")
    for _ in range(3):
        books.spend(account)
    operation = _operation("plan-set")
    _repeat(lambda: operate.set_plan(operation, account.uid, "Team"))
    after = books.account(account.uid)
    window = books.window(after)
    assert_consistent(window)
    assert (after.plan, window.included, window.used, window.remaining) == ("Team", 100, 3, 97)
    assert _ledger(books, account.uid) == [f"L#plan-set#{operation.id}"]


def test_plans_set_up_and_down_while_pictures_are_made_give_no_credit_for_nothing(
    books: Books, operate: Operate
) -> None:
    account = books.open_account()

    def act(index: int) -> None:
        if index % 3 == 0:
            operate.set_plan(_operation("plan-set"), account.uid, ("Free", "Team")[index % 2])
        else:
            books.spend(account)

    _, refused = race(30, act, refusals=Refused)
    operate.set_plan(_operation("plan-set"), account.uid, "Free")
    window = books.window(account)
    assert_consistent(window)
    assert (window.included, window.used, window.remaining) == (50, 20, 30)
    assert len(refused) <= 10


def test_suspended_or_verified_ten_times_under_one_id_is_one_line(books: Books, operate: Operate) -> None:
    account = books.open_account(verified=False)
    suspended, verified = _operation("user-suspend"), _operation("user-verify-email")
    _repeat(lambda: operate.suspend(suspended, account.uid, suspended=True))
    _repeat(lambda: operate.verify_email(verified, account.uid))
    after = books.account(account.uid)
    assert (after.suspended, after.email_verified) == (True, True)
    assert len(_ledger(books, account.uid)) == 2


def test_grants_and_deductions_that_race_pictures_keep_the_signed_balance_exact(store: Store, clock: Clock) -> None:
    books = Books(store, clock, included=0)
    operate = Operate(store, books.catalogue, clock)
    account = books.open_account(prepaid=10)
    kept, lock = [0], threading.Lock()

    def act(index: int) -> None:
        match index % 4:
            case 0:
                operate.add_credits(_operation("credits-grant"), account.uid, 3)
            case 1:
                operate.add_credits(_operation("credits-deduct"), account.uid, -2)
            case way:
                charge = books.reserve(account, capped=False)
                if way == 2:
                    books.commit(charge)
                    with lock:
                        kept[0] += 1
                else:
                    books.credits.refund(charge)

    race(100, act, refusals=CreditsExhausted)
    after = books.account(account.uid)
    assert after.prepaid == 10 + 25 * 3 - 25 * 2 - kept[0]
    assert (after.in_flight, after.reservations) == (0, ())


@pytest.mark.parametrize(("granted", "served"), [(-1, 0), (0, 0), (1, 1)])
def test_a_debt_is_paid_before_a_picture_is(store: Store, clock: Clock, granted: int, served: int) -> None:
    books = Books(store, clock, included=0)
    operate = Operate(store, books.catalogue, clock)
    account = books.open_account(prepaid=3)
    charge = books.reserve(account)
    operate.add_credits(_operation("credits-deduct"), account.uid, -7)  # -5 now, with one picture in flight
    books.credits.refund(charge)
    assert books.account(account.uid).prepaid == -4
    operate.add_credits(_operation("credits-grant"), account.uid, 4 + granted)
    taken, _ = race(2, lambda _: books.reserve(account), refusals=CreditsExhausted)
    assert len(taken) == served
    assert books.account(account.uid).prepaid == granted - served


def test_the_day_of_a_keys_use_is_noted_once_a_day_by_racers(
    books: Books, clock: Clock, manage: ManageKeys, authenticator: Authenticator
) -> None:
    account = books.open_account()
    new = manage.create(account)
    identity = authenticator.by_key(new.text)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: authenticator.note_use(identity), range(10)))
    (key,) = books.account(account.uid).keys
    assert key.last_used_on == "2026-11-10"
    clock.advance(86_400)
    authenticator.note_use(authenticator.by_key(new.text))
    (key,) = books.account(account.uid).keys
    assert key.last_used_on == "2026-11-11"
