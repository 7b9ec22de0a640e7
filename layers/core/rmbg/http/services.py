"""The services of one function, made from its settings when the first call needs them: no client at import."""

from functools import cached_property

from rmbg.config import AccountSettings
from rmbg.services.anonymous import AnonymousCallers
from rmbg.services.authenticate import Authenticator
from rmbg.services.credits import Credits
from rmbg.services.idempotency import IdempotencyKeys
from rmbg.services.limiter import Limiter
from rmbg.services.manage_keys import ManageKeys
from rmbg.services.report_usage import ReportUsage
from rmbg.services.user_tokens import UserTokens
from rmbg.storage.store import Store, open_store


class Services:
    """Everything that knows accounts; each part is made once."""

    def __init__(self, settings: AccountSettings) -> None:
        self.settings = settings

    @cached_property
    def store(self) -> Store:
        settings = self.settings
        return open_store(settings.core_table, settings.ephemeral_table, settings.dynamodb_endpoint_url)

    @cached_property
    def authenticator(self) -> Authenticator:
        tokens = UserTokens(self.settings.oidc_issuer, self.settings.oidc_audience)
        return Authenticator(self.store, self.settings.catalogue, tokens)

    @cached_property
    def limiter(self) -> Limiter:
        return Limiter(self.store)

    @cached_property
    def anonymous_callers(self) -> AnonymousCallers:
        return AnonymousCallers(
            self.store,
            daily_limit=self.settings.anonymous_daily_limit,
            daily_limit_total=self.settings.anonymous_daily_limit_total,
        )

    @cached_property
    def credits(self) -> Credits:
        return Credits(self.store, self.settings.catalogue)

    @cached_property
    def idempotency_keys(self) -> IdempotencyKeys:
        return IdempotencyKeys(self.store)

    @cached_property
    def usage(self) -> ReportUsage:
        return ReportUsage(self.store, self.settings.catalogue, self.credits)

    @cached_property
    def keys(self) -> ManageKeys:
        return ManageKeys(self.store)
