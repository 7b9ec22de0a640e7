"""A picture that fails costs nothing, wherever it fails."""

from collections.abc import Callable

import pytest

from rmbg.domain.credits import Account
from rmbg.domain.pictures import InvalidImage
from rmbg.errors import PublicError
from rmbg.services.deadline import Deadline
from rmbg.services.payments import AccountPayment
from rmbg.storage import schema
from rmbg.storage.store import Store
from tests.integration.accounts.books import Books, Clock, TrivialImaging, assert_consistent, picture


class _Fault(Exception):
    """Something broke."""


def _raising(error: BaseException) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def _announced(payment: AccountPayment) -> tuple[int, int | None]:
    return payment.credits_charged, payment.remaining


def _untouched(books: Books, account: Account) -> None:
    window, after = books.window(account), books.account(account.uid)
    assert_consistent(window)
    assert (window.used, window.remaining, window.in_flight) == (0, window.included, 0)
    assert (after.prepaid, after.in_flight) == (account.prepaid, 0)


@pytest.mark.parametrize("key", ["", "a key"])
@pytest.mark.parametrize("included", [0, 100])
@pytest.mark.parametrize("error", [_Fault(), PublicError(503, "busy"), KeyboardInterrupt()])
@pytest.mark.parametrize("stage", ["segment", "render", "encode", "deliver"])
def test_a_fault_in_any_stage_gives_the_credit_back(
    store: Store, clock: Clock, stage: str, error: BaseException, included: int, key: str
) -> None:
    books = Books(store, clock, included=included)
    account = books.open_account(prepaid=3)
    payment = books.payment(account, key=key)
    fail = _raising(error)
    imaging = TrivialImaging(**{stage: fail})  # it has no stage `deliver`
    with pytest.raises(type(error)):
        picture(payment, imaging, deliver=fail if stage == "deliver" else lambda _: None)
    _untouched(books, account)
    assert payment.credits_charged == 0
    if key:
        assert books.row(schema.idempotency(account.uid, key), table=store.ephemeral) is None


@pytest.mark.parametrize("stage", ["begin", "end"])
def test_past_the_deadline_the_credit_is_given_back_and_the_answer_is_503(books: Books, stage: str) -> None:
    account = books.open_account()
    monotonic = Clock(0.0)
    imaging = TrivialImaging(**{"decode" if stage == "begin" else "encode": lambda: monotonic.advance(24.0)})
    with pytest.raises(PublicError) as refusal:
        picture(books.payment(account), imaging, deadline=Deadline(24.0, monotonic))
    assert refusal.value.status == 503
    assert int(refusal.value.headers["Retry-After"]) >= 1
    assert imaging.segmented == (0 if stage == "begin" else 1)
    _untouched(books, account)


@pytest.mark.parametrize(("spent_seconds", "charged"), [(23.999, 1), (24.0, 0), (24.001, 0)])
def test_the_deadline_is_over_at_its_very_instant(books: Books, spent_seconds: float, charged: int) -> None:
    account = books.open_account()
    monotonic = Clock(0.0)
    imaging = TrivialImaging(encode=lambda: monotonic.advance(spent_seconds))
    if charged:
        picture(books.payment(account), imaging, deadline=Deadline(24.0, monotonic))
    else:
        with pytest.raises(PublicError):
            picture(books.payment(account), imaging, deadline=Deadline(24.0, monotonic))
    assert books.window(account).used == charged


def test_what_is_refused_before_the_payment_takes_nothing(books: Books) -> None:
    account = books.open_account()
    books.spend(account)
    with pytest.raises(PublicError):
        picture(books.payment(account), fields={"w": "much"})
    with pytest.raises(PublicError):
        picture(books.payment(account), data=b"")
    with pytest.raises(PublicError):
        picture(books.payment(account), TrivialImaging(decode=_raising(InvalidImage())))
    assert books.window(account).used == 1


def test_a_picture_costs_one_credit_and_says_what_is_left(books: Books) -> None:
    account = books.open_account(prepaid=5)
    payment = books.payment(account)
    assert _announced(payment) == (0, None)
    picture(payment)
    assert _announced(payment) == (1, 104)
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.api, window.in_flight) == (1, 1, 0)


def test_a_failed_picture_can_be_made_again_under_the_same_idempotency_key(books: Books) -> None:
    account = books.open_account()
    with pytest.raises(_Fault):
        picture(books.payment(account, key="key"), TrivialImaging(segment=_raising(_Fault())))
    payment = books.payment(account, key="key")
    picture(payment)
    assert payment.credits_charged == 1
    assert books.window(account).used == 1
