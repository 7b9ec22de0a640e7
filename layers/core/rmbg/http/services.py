"""The services of one function, made from its settings when the first call needs them: no client at import."""

from functools import cached_property

from rmbg.config import AccountSettings, ObjectSettings
from rmbg.services.anonymous import AnonymousCallers
from rmbg.services.authenticate import Authenticator
from rmbg.services.create_job import CreateJob
from rmbg.services.credits import Credits
from rmbg.services.idempotency import IdempotencyKeys
from rmbg.services.limiter import Limiter
from rmbg.services.manage_keys import ManageKeys
from rmbg.services.report_job import ReportJob
from rmbg.services.report_usage import ReportUsage
from rmbg.services.user_tokens import UserTokens
from rmbg.storage.objects import Objects, open_objects
from rmbg.storage.store import Store, open_store


class Services:
    """Everything that knows accounts; each part is made once."""

    def __init__(self, settings: AccountSettings, object_settings: ObjectSettings) -> None:
        self.settings = settings
        self.object_settings = object_settings

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

    @cached_property
    def objects(self) -> Objects:
        return open_objects(self.object_settings.endpoint_url)

    @cached_property
    def create_job(self) -> CreateJob:
        return CreateJob(self.store, self.objects, self.object_settings.inputs_bucket)

    @cached_property
    def report_job(self) -> ReportJob:
        return ReportJob(self.store, self.objects, self.object_settings.results_bucket)
