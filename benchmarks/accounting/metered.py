"""A DynamoDB client that meters what passes through it."""

from typing import Any

from botocore.exceptions import ClientError

from benchmarks.accounting.units import Units, item_size_bytes


class MeteredClient:
    """The five calls that the storage makes; `units` are those since the last `reset`.

    An item is as large as it is after a write (all of ours grow and shrink by less than a unit).
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.units = Units()

    def reset(self) -> None:
        self.units = Units()

    def get_item(self, **request: Any) -> Any:
        answer = self._client.get_item(**request)
        self.units.note_read(item_size_bytes(answer.get("Item", {})))
        return answer

    def query(self, **request: Any) -> Any:
        answer = self._client.query(**request)
        self.units.note_read(*(item_size_bytes(item) for item in answer["Items"]))
        return answer

    def update_item(self, **request: Any) -> Any:
        return self._written(self._client.update_item, request)

    def put_item(self, **request: Any) -> Any:
        return self._written(self._client.put_item, request)

    def delete_item(self, **request: Any) -> Any:
        return self._written(self._client.delete_item, request)

    def transact_write_items(self, **request: Any) -> Any:
        answer = self._client.transact_write_items(**request)
        for write in request["TransactItems"]:
            ((_, part),) = write.items()
            item = part.get("Item") or self._client.get_item(TableName=part["TableName"], Key=part["Key"]).get("Item")
            self.units.note_write(item_size_bytes(item or {}), in_transaction=True)
        return answer

    def _written(self, call: Any, request: dict[str, Any]) -> Any:
        try:
            answer = call(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                self.units.note_write(item_size_bytes(error.response.get("Item", {})))
            raise
        item = request.get("Item") or answer.get("Attributes") or {}
        self.units.note_write(item_size_bytes(item))
        return answer
