"""The one exception whose text a client may see."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rmbg.domain.options import FieldProblem

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class PublicError(Exception):
    """An answer other than success: an HTTP status, a message and, for several invalid parameters, the details.

    Everything in it is shown to the client; causes belong into `raise ... from`.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        details: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = tuple(details)
        self.headers = dict(headers)


def invalid_parameters(problems: Sequence[FieldProblem]) -> PublicError:
    """One problem is told by itself, several as a list (CONTRACT: Errors)."""
    if len(problems) == 1:
        return PublicError(400, problems[0].message)
    return PublicError(400, "Multiple validation errors", details=problems)


def error_document(error: PublicError) -> dict[str, object]:
    """`{"error", "details", "status"}`, as clients get it; details only where there are several."""
    document: dict[str, object] = {"error": error.message}
    if error.details:
        document["details"] = [problem._asdict() for problem in error.details]
    document["status"] = error.status
    return document
