"""DynamoDB in memory: the low-level operations that the service calls, with the rules of the real one.

A fake with the rules, not a mock: expressions are parsed and evaluated, and what AWS refuses is refused. Each call is
atomic under one lock. The rules are those of the "Amazon DynamoDB Developer Guide" (Expressions; Constraints; Managing
transactions) and of the API reference of each operation. Stricter than AWS in one point: every attribute name must be
aliased, not only the reserved ones. What is not modelled raises NotImplementedError, so that no test can rest on it.
"""

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import lru_cache
from typing import Any, Final, NoReturn

from botocore.exceptions import ClientError, ParamValidationError

from rmbg.storage.database import Database
from rmbg.storage.store import Store

AttributeValue = Mapping[str, Any]
Item = dict[str, AttributeValue]
Number = int | Decimal

CORE: Final = "core"
EPHEMERAL: Final = "ephemeral"
KEY_NAMES: Final = ("pk", "sk")

_MAX_KEY_BYTES: Final = {"pk": 2048, "sk": 1024}
_MAX_ITEM_BYTES: Final = 400 * 1024
_MAX_EXPRESSION_BYTES: Final = 4096
_MAX_OPERATORS: Final = 300
_MAX_ACTIONS: Final = 100  # of a transaction
_MAX_IN_OPERANDS: Final = 100
_MAX_TOKEN_CHARACTERS: Final = 36
_DIGITS: Final = 38
_LARGEST: Final = Decimal("9.9999999999999999999999999999999999999E+125")
_SMALLEST: Final = Decimal("1E-130")
_EXACT: Final = Context(prec=400, Emax=10_000, Emin=-10_000, traps=[InvalidOperation, Overflow, Inexact])

_SCALARS: Final = frozenset({"S", "N", "B", "BOOL", "NULL"})
_SETS: Final = frozenset({"SS", "NS", "BS"})
_ORDERED: Final = frozenset({"S", "N", "B"})
_WHOLE: Final = re.compile(r"-?[0-9]{1,38}")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")

_NO_ATTRIBUTE: Final = "The provided expression refers to an attribute that does not exist in the item"
_WRONG_TYPE: Final = "An operand in the update expression has an incorrect data type"
_CONDITION_FAILED: Final = "The conditional request failed"


class _Invalid(Exception):
    """What becomes a ValidationException before anything is looked at."""


class _CannotApply(Exception):
    """An update that the item as it is does not allow: a ValidationException, or why a transaction is cancelled."""


class _ConditionFailed(Exception):
    def __init__(self, item: Item | None) -> None:
        super().__init__(_CONDITION_FAILED)
        self.item = item


# --- values ---


@lru_cache(maxsize=65_536)
def _number(text: str) -> Number:
    """An exact number. Raises _Invalid for more than 38 digits or a magnitude that DynamoDB does not have."""
    if _WHOLE.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text):
        raise _Invalid(f"The parameter cannot be converted to a numeric value: {text}")
    return _checked(Decimal(text))


def _checked(value: Decimal) -> Number:
    if not value:
        return 0
    if abs(value) > _LARGEST:
        raise _Invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if abs(value) < _SMALLEST:
        raise _Invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    value = value.normalize(_EXACT)
    if len(value.as_tuple().digits) > _DIGITS:
        raise _Invalid("Attempting to store more than 38 significant digits in a Number")
    return int(value) if value == value.to_integral_value(context=_EXACT) and abs(value) < 10**_DIGITS else value


def _of_number(value: Number) -> AttributeValue:
    if isinstance(value, int):
        if -(10**_DIGITS) < value < 10**_DIGITS:
            return {"N": str(value)}
        value = Decimal(value)
    value = Decimal(_checked(value))
    digits = f"{value:f}"
    return {"N": digits.rstrip("0").rstrip(".") if "." in digits else digits}


def _stored(value: Any, name: str) -> AttributeValue:
    """An attribute value as it is kept: checked, numbers in one form, and nobody else's object. Raises _Invalid."""
    if not isinstance(value, dict) or len(value) != 1:
        raise _Invalid(f"Supplied AttributeValue has more than one datatypes set, or none: {name}")
    ((kind, content),) = value.items()
    if kind == "S" and isinstance(content, str):
        return {"S": content}
    if kind == "N" and isinstance(content, str):
        return _of_number(_number(content))
    if kind == "BOOL" and isinstance(content, bool):
        return {"BOOL": content}
    if kind == "NULL" and content is True:
        return {"NULL": True}
    if kind == "B" and isinstance(content, bytes | bytearray):
        return {"B": bytes(content)}
    if kind in _SETS and isinstance(content, list):
        return _stored_set(kind, content, name)
    if kind == "L" and isinstance(content, list):
        return {"L": [_stored(each, name) for each in content]}
    if kind == "M" and isinstance(content, dict):
        return {"M": {key: _stored(each, f"{name}.{key}") for key, each in content.items()}}
    raise ParamValidationError(report=f"Invalid type for parameter {name}.{kind}, value: {content!r}")


def _stored_set(kind: str, content: list[Any], name: str) -> AttributeValue:
    if not content:
        raise _Invalid("One or more parameter values were invalid: An set  may not be empty")
    members = sorted(_stored({kind[0]: each}, name)[kind[0]] for each in content)
    if len(set(members)) != len(members):
        raise _Invalid("One or more parameter values were invalid: Input collection contains duplicates")
    return {kind: members}


def _copied(value: AttributeValue) -> dict[str, Any]:
    ((kind, content),) = value.items()
    if kind in _SETS:
        return {kind: list(content)}
    if kind == "L":
        return {"L": [_copied(each) for each in content]}
    if kind == "M":
        return {"M": {key: _copied(each) for key, each in content.items()}}
    return {kind: content}


def _handed_out(item: Item) -> dict[str, Any]:
    return {name: _copied(value) for name, value in item.items()}


def _type(value: AttributeValue) -> str:
    return next(iter(value))


def _ordering(value: AttributeValue) -> tuple[str, Any]:
    """The type, and what compares as DynamoDB does: texts by their UTF-8 bytes, which is by code points."""
    ((kind, content),) = value.items()
    return kind, _number(content) if kind == "N" else content


def _bytes(value: AttributeValue) -> int:
    """The size of a value by the rules of "DynamoDB item sizes and formats", a number's rounded up."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content) if content.isascii() else len(content.encode())
        case "N":
            return 2 + len(content) // 2
        case "B":
            return len(content)
        case "BOOL" | "NULL":
            return 1
        case "M":
            return 3 + sum(1 + len(key.encode()) + _bytes(each) for key, each in content.items())
        case "L":
            return 3 + sum(1 + _bytes(each) for each in content)
        case _:
            return sum(_bytes({kind[0]: each}) for each in content)


# --- expressions ---

_TOKEN: Final = re.compile(r"\s*(?:([#:][A-Za-z0-9_]+)|([A-Za-z_][A-Za-z0-9_]*|[0-9]+)|(<>|<=|>=|[=<>,()+\-.\[\]]))")
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_KEYWORDS: Final = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"})
_CONDITION_FUNCTIONS: Final = frozenset({"attribute_exists", "attribute_not_exists", "begins_with"})
_UNMODELLED_FUNCTIONS: Final = frozenset({"attribute_type", "contains", "size", "list_append"})

Names = Mapping[str, str]
Values = Mapping[str, AttributeValue]
Operand = Callable[[Item, Names, Values], AttributeValue | None]
Condition = Callable[[Item, Names, Values], bool]
Check = Callable[[Values], None]  # of the values' types, before the item is looked at


@dataclass(frozen=True, slots=True)
class _Part:
    """An operand as it is written: `#alias`, `:value`, or a function of them."""

    text: str
    get: Operand
    value: str = ""  # the name of a value, if that is what it is


@dataclass(frozen=True, slots=True)
class _Assignment:
    """One action of an update: what is written, and how. A None of `get` removes."""

    target: str
    get: Operand


@dataclass(frozen=True, slots=True)
class _Parsed:
    """An expression, read once. `key_parts` are the comparisons of a key condition: alias, operator, values."""

    names: frozenset[str]
    values: frozenset[str]
    checks: tuple[Check, ...]
    condition: Condition | None = None
    assignments: tuple[_Assignment, ...] = ()
    only_removes: bool = False
    key_parts: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


_NOTHING_ASKED: Final = _Parsed(frozenset(), frozenset(), ())


def _literal(name: str) -> Operand:
    return lambda item, names, values: values[name]


def _attribute(alias: str) -> Operand:
    return lambda item, names, values: item.get(names[alias])


class _Parser:
    """Reads the subset of the expressions' grammar that the service uses. Raises _Invalid."""

    def __init__(self, what: str, text: str) -> None:
        self._what = what
        self._tokens: list[str] = []
        self._at = 0
        self._operators = 0
        self._parenthesised = False  # whether the condition just read stands in parentheses of its own
        self.names: set[str] = set()
        self.values: set[str] = set()
        self.checks: list[Check] = []
        self.key_parts: list[tuple[str, str, tuple[str, ...]]] = []
        if not text.strip():
            self._fail("The expression can not be empty;")
        if len(text.encode()) > _MAX_EXPRESSION_BYTES:
            self._fail(f"Expression size has exceeded the maximum allowed size; expression size: {len(text.encode())}")
        position, text = 0, text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                self._fail(f'Syntax error; token: "{text[position:].lstrip()[:1]}"')
            self._tokens.append(match[0].strip())
            position = match.end()

    def condition(self) -> Condition:
        if self._what == "KeyConditionExpression":
            for token in self._tokens:
                if token.upper() in ("OR", "NOT", "IN") or token in ("<>", "attribute_exists", "attribute_not_exists"):
                    self._fail(f"Invalid operator used in KeyConditionExpression: {token}")
        parsed = self._or()
        self._end()
        return parsed

    def update(self) -> tuple[tuple[_Assignment, ...], bool]:
        sections: set[str] = set()
        assignments: list[_Assignment] = []
        while self._at < len(self._tokens):
            section = self._next().upper()
            read = {"SET": self._set, "REMOVE": self._remove, "ADD": self._add, "DELETE": self._delete}.get(section)
            if read is None:
                self._fail(f'Syntax error; token: "{section}"')
            if section in sections:
                self._fail(f'The "{section}" section can only be used once in an update expression;')
            sections.add(section)
            assignments.append(read())
            while self._accept(","):
                assignments.append(read())
        return tuple(assignments), sections <= {"REMOVE", "DELETE"}

    # the update's actions

    def _set(self) -> _Assignment:
        target = self._path()
        self._expect("=")
        self._count()
        left = self._set_operand()
        if self._peek() not in ("+", "-"):
            return _Assignment(target, _required(left.get))
        sign = self._next()
        self._count()
        right = self._set_operand()
        for operand in (left, right):
            self._require_type(operand, sign, frozenset({"N"}))
        if self._peek() in ("+", "-"):
            self._fail(f'Syntax error; token: "{self._peek()}"')  # AWS takes one operator an assignment
        return _Assignment(target, _sum(_required(left.get), _required(right.get), 1 if sign == "+" else -1))

    def _set_operand(self) -> _Part:
        if self._peek() == "(":  # parentheses around an operand are allowed by AWS
            raise NotImplementedError("parentheses in SET")
        if self._peek() != "if_not_exists":
            return self._operand()
        self._next()
        self._count()
        self._expect("(")
        alias = self._path()
        self._expect(",")
        default = self._set_operand()
        self._expect(")")
        read = _attribute(alias)

        def get(item: Item, names: Names, values: Values) -> AttributeValue | None:
            found = read(item, names, values)
            return default.get(item, names, values) if found is None else found

        if default.value:
            return _Part(f"if_not_exists({alias}, {default.text})", get, default.value)
        return _Part(f"if_not_exists({alias}, {default.text})", get)

    def _remove(self) -> _Assignment:
        return _Assignment(self._path(), lambda item, names, values: None)

    def _add(self) -> _Assignment:
        target, value = self._path(), self._operand()
        self._require_type(value, "ADD", _SETS | {"N"})
        return _Assignment(target, _added(_attribute(target), _required(value.get)))

    def _delete(self) -> _Assignment:
        target, value = self._path(), self._operand()
        self._require_type(value, "DELETE", _SETS)
        return _Assignment(target, _deleted(_attribute(target), _required(value.get)))

    # conditions, by precedence: OR, AND, NOT, and the rest

    def _or(self) -> Condition:
        parsed = self._and()
        while self._accept("OR"):
            self._count()
            parsed = _either(parsed, self._and())
            self._parenthesised = False
        return parsed

    def _and(self) -> Condition:
        parsed = self._not()
        while self._accept("AND"):
            self._count()
            parsed = _both(parsed, self._not())
            self._parenthesised = False
        return parsed

    def _not(self) -> Condition:
        if self._accept("NOT"):
            self._count()
            inner = self._not()
            self._parenthesised = False
            return lambda item, names, values: not inner(item, names, values)
        return self._primary()

    def _primary(self) -> Condition:
        if self._accept("("):
            inner = self._or()
            self._expect(")")
            if self._parenthesised:
                self._fail("The expression has redundant parentheses;")
            self._parenthesised = True
            return inner
        self._parenthesised = False
        token = self._peek()
        if token in _CONDITION_FUNCTIONS:
            return self._function(self._next())
        if token == "if_not_exists":
            self._fail("The function is not allowed in a condition expression; function: if_not_exists")
        return self._comparison()

    def _function(self, name: str) -> Condition:
        self._count()
        self._expect("(")
        if name != "begins_with":
            if self._peek().startswith(":"):
                self._fail(f"Operator or function requires a document path; operator or function: {name}")
            alias = self._path()
            self._expect(")")
            if name == "attribute_exists":
                return lambda item, names, values: names[alias] in item
            return lambda item, names, values: names[alias] not in item
        whole = self._operand()
        self._expect(",")
        start = self._operand()
        self._expect(")")
        for operand in (whole, start):
            self._require_type(operand, name, frozenset({"S", "B"}))
        self._note_key_part(whole, name, start)
        return _begins(whole.get, start.get)

    def _comparison(self) -> Condition:
        left = self._operand()
        operator = self._next().upper()
        self._count()
        if operator == "BETWEEN":
            low = self._operand()
            self._expect("AND")
            high = self._operand()
            for operand in (left, low, high):
                self._require_type(operand, operator, _ORDERED)
            if low.value and high.value:
                self.checks.append(_bounds(self._what, low.value, high.value))
            self._note_key_part(left, operator, low, high)
            return _both(_compare(left.get, low.get, ">="), _compare(left.get, high.get, "<="))
        if operator == "IN":
            self._expect("(")
            members = [self._operand()]
            while self._accept(","):
                members.append(self._operand())
            self._expect(")")
            if len(members) > _MAX_IN_OPERANDS:
                self._fail("Too many operands for operator or function; operator or function: IN")
            return _any(_compare(left.get, member.get, "=") for member in members)
        if operator in ("+", "-"):
            self._fail(f'Syntax error; token: "{operator}"')  # a condition has no arithmetic
        if operator not in ("=", "<>", *_COMPARISONS):
            self._fail(f'Syntax error; token: "{operator}"')
        right = self._operand()
        if left.text == right.text:
            self._fail(
                "The first operand must be distinct from the remaining operands for this operator or function; "
                f"operator: {operator}, operand: {left.text}"
            )
        if operator in _COMPARISONS:
            for operand in (left, right):
                self._require_type(operand, operator, _ORDERED)
        self._note_key_part(left, operator, right)
        return _compare(left.get, right.get, operator)

    # what all of them are made of

    def _operand(self) -> _Part:
        token = self._peek()
        if token.startswith(":"):
            self._next()
            self.values.add(token)
            return _Part(token, _literal(token), token)
        alias = self._path()
        return _Part(alias, _attribute(alias))

    def _path(self) -> str:
        token = self._next()
        if token in _UNMODELLED_FUNCTIONS:
            raise NotImplementedError(f"the function {token}")
        if not token.startswith("#"):
            if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", token) and token.upper() not in _KEYWORDS:
                self._fail(f"Attribute name is a reserved keyword, or might become one; reserved keyword: {token}")
            self._fail(f'Syntax error; token: "{token}"')
        if self._peek() in (".", "["):
            raise NotImplementedError("paths into a map or a list")
        self.names.add(token)
        return token

    def _require_type(self, operand: _Part, operator: str, allowed: frozenset[str]) -> None:
        """A value's type is checked before the item is looked at; an attribute's is not."""
        name, what = operand.value, self._what
        if not name:
            return

        def check(values: Values) -> None:
            if _type(values[name]) not in allowed:
                raise _Invalid(
                    f"Invalid {what}: Incorrect operand type for operator or function; operator or function: "
                    f"{operator}, operand type: {_type(values[name])}"
                )

        self.checks.append(check)

    def _note_key_part(self, left: _Part, operator: str, *right: _Part) -> None:
        self.key_parts.append((left.text, operator, tuple(part.value for part in right)))

    def _count(self) -> None:
        self._operators += 1
        if self._operators > _MAX_OPERATORS:
            self._fail("The expression contains too many operators")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            self._fail('Syntax error; token: "<EOF>"')
        self._at += 1
        return token

    def _accept(self, token: str) -> bool:
        if self._peek().upper() != token:
            return False
        self._at += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            self._fail(f'Syntax error; token: "{self._peek() or "<EOF>"}"')

    def _end(self) -> None:
        if self._peek():
            self._fail(f'Syntax error; token: "{self._peek()}"')

    def _fail(self, message: str) -> NoReturn:
        raise _Invalid(f"Invalid {self._what}: {message}")


def _required(get: Operand) -> Callable[[Item, Names, Values], AttributeValue]:
    def required(item: Item, names: Names, values: Values) -> AttributeValue:
        value = get(item, names, values)
        if value is None:
            raise _CannotApply(_NO_ATTRIBUTE)
        return value

    return required


def _numeric(value: AttributeValue) -> Number:
    if "N" not in value:
        raise _CannotApply(_WRONG_TYPE)
    return _number(value["N"])


def _plus(left: Number, right: Number, sign: int) -> AttributeValue:
    try:
        if isinstance(left, int) and isinstance(right, int):
            return _of_number(left + sign * right)
        return _of_number(_EXACT.add(Decimal(left), sign * Decimal(right)))
    except _Invalid as error:
        raise _CannotApply(str(error)) from None


def _sum(
    left: Callable[[Item, Names, Values], AttributeValue],
    right: Callable[[Item, Names, Values], AttributeValue],
    sign: int,
) -> Operand:
    return lambda item, names, values: _plus(
        _numeric(left(item, names, values)), _numeric(right(item, names, values)), sign
    )


def _added(read: Operand, value: Callable[[Item, Names, Values], AttributeValue]) -> Operand:
    """ADD: a number, 0 if it is not there, or members of a set."""

    def get(item: Item, names: Names, values: Values) -> AttributeValue:
        old, new = read(item, names, values), value(item, names, values)
        if _type(new) == "N":
            return _plus(_numeric(old) if old is not None else 0, _numeric(new), 1)
        if _type(new) not in _SETS or (old is not None and _type(old) != _type(new)):
            raise _CannotApply(_WRONG_TYPE)
        kind = _type(new)
        return {kind: sorted({*(old[kind] if old is not None else ()), *new[kind]})}

    return get


def _deleted(read: Operand, value: Callable[[Item, Names, Values], AttributeValue]) -> Operand:
    """DELETE: members out of a set, and the attribute with the last of them."""

    def get(item: Item, names: Names, values: Values) -> AttributeValue | None:
        old, gone = read(item, names, values), value(item, names, values)
        if old is None:
            return None
        if _type(gone) not in _SETS or _type(old) != _type(gone):
            raise _CannotApply(_WRONG_TYPE)
        left = sorted(set(old[_type(old)]) - set(gone[_type(gone)]))
        return {_type(old): left} if left else None

    return get


def _both(first: Condition, second: Condition) -> Condition:
    return lambda item, names, values: first(item, names, values) and second(item, names, values)


def _either(first: Condition, second: Condition) -> Condition:
    return lambda item, names, values: first(item, names, values) or second(item, names, values)


def _any(conditions: Iterable[Condition]) -> Condition:
    each = tuple(conditions)
    return lambda item, names, values: any(condition(item, names, values) for condition in each)


def _compare(left: Operand, right: Operand, operator: str) -> Condition:
    """Of different types nothing is equal and nothing has an order; what is not there equals nothing."""
    if operator in ("=", "<>"):
        wanted = operator == "="

        def same(item: Item, names: Names, values: Values) -> bool:
            one, other = left(item, names, values), right(item, names, values)
            return (one is not None and one == other) is wanted

        return same
    holds = _COMPARISONS[operator]

    def ordered(item: Item, names: Names, values: Values) -> bool:
        one, other = left(item, names, values), right(item, names, values)
        if one is None or other is None:
            return False
        (kind, content), (other_kind, other_content) = _ordering(one), _ordering(other)
        return kind == other_kind and kind in _ORDERED and holds(content, other_content)

    return ordered


def _begins(whole: Operand, start: Operand) -> Condition:
    def begins(item: Item, names: Names, values: Values) -> bool:
        one, other = whole(item, names, values), start(item, names, values)
        if one is None or other is None or _type(one) != _type(other) or _type(one) not in ("S", "B"):
            return False
        return bool(one[_type(one)].startswith(other[_type(other)]))

    return begins


def _bounds(what: str, low: str, high: str) -> Check:
    def check(values: Values) -> None:
        (kind, first), (other_kind, last) = _ordering(values[low]), _ordering(values[high])
        if kind != other_kind:
            raise _Invalid(f"Invalid {what}: The BETWEEN operator requires same data type for lower and upper bounds")
        if first > last:
            raise _Invalid(
                f"Invalid {what}: The BETWEEN operator requires upper bound to be greater than or equal to lower bound"
            )

    return check


@lru_cache(maxsize=4096)
def _parsed(kind: str, text: str) -> _Parsed:
    """An expression; `kind` is the request's member that holds it. Raises _Invalid, which is not remembered."""
    parser = _Parser(kind, text)
    if kind == "UpdateExpression":
        assignments, only_removes = parser.update()
        return _Parsed(
            frozenset(parser.names),
            frozenset(parser.values),
            tuple(parser.checks),
            assignments=assignments,
            only_removes=only_removes,
        )
    condition = parser.condition()
    return _Parsed(
        frozenset(parser.names),
        frozenset(parser.values),
        tuple(parser.checks),
        condition=condition,
        key_parts=tuple(parser.key_parts),
    )


@dataclass(frozen=True, slots=True)
class _Expressions:
    """All expressions of one request, with what they name."""

    names: frozenset[str]
    values: frozenset[str]
    checks: tuple[Check, ...]
    update: _Parsed | None
    condition: Condition | None


@lru_cache(maxsize=4096)
def _expressions(update: str | None, condition: str | None) -> _Expressions:
    parsed_update = _parsed("UpdateExpression", update) if update is not None else None
    parsed_condition = _parsed("ConditionExpression", condition) if condition is not None else None
    parts = [part for part in (parsed_update, parsed_condition) if part is not None]
    return _Expressions(
        frozenset().union(*(part.names for part in parts)),
        frozenset().union(*(part.values for part in parts)),
        tuple(check for part in parts for check in part.checks),
        parsed_update,
        parsed_condition.condition if parsed_condition else None,
    )


def _check_given(used: frozenset[str], given: Mapping[str, Any], member: str, what: str) -> None:
    """Nothing is used that is not given, nothing given that is not used."""
    if given.keys() == used:
        return
    missing = used - given.keys()
    if missing:
        raise _Invalid(f"{what}: an expression uses {min(missing)}, which is not defined in {member}")
    raise _Invalid(
        f"Value provided in {member} unused in expressions: keys: {{{', '.join(sorted(given.keys() - used))}}}"
    )


def _substitutions(
    request: Mapping[str, Any], names_used: frozenset[str], values_used: frozenset[str], what: str
) -> tuple[Names, Values]:
    names, given = request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues")
    for member, content in (("ExpressionAttributeNames", names), ("ExpressionAttributeValues", given)):
        if content is not None and not content:
            raise _Invalid(f"{member} must not be empty")
    names = names or {}
    values = {name: _stored(value, name) for name, value in (given or {}).items()}
    _check_given(names_used, names, "ExpressionAttributeNames", what)
    _check_given(values_used, values, "ExpressionAttributeValues", what)
    return names, values


# --- operations ---

_UNMODELLED: Final = frozenset(
    {
        "AttributesToGet",
        "AttributeUpdates",
        "ConditionalOperator",
        "Expected",
        "ExclusiveStartKey",
        "FilterExpression",
        "IndexName",
        "KeyConditions",
        "Limit",
        "ProjectionExpression",
        "QueryFilter",
        "ReturnConsumedCapacity",
        "ReturnItemCollectionMetrics",
        "ScanIndexForward",
        "Select",
    }
)
_EXPRESSION_MEMBERS: Final = frozenset(
    {
        "TableName",
        "ConditionExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "ReturnValuesOnConditionCheckFailure",
    }
)
_MEMBERS: Final[dict[str, frozenset[str]]] = {
    "GetItem": frozenset({"TableName", "Key", "ConsistentRead"}),
    "Query": frozenset(
        {
            "TableName",
            "KeyConditionExpression",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "ConsistentRead",
        }
    ),
    "Scan": frozenset(
        {"TableName", "FilterExpression", "ExpressionAttributeNames", "ExpressionAttributeValues", "ConsistentRead"}
    ),
    "PutItem": _EXPRESSION_MEMBERS | {"Item", "ReturnValues"},
    "UpdateItem": _EXPRESSION_MEMBERS | {"Key", "UpdateExpression", "ReturnValues"},
    "DeleteItem": _EXPRESSION_MEMBERS | {"Key", "ReturnValues"},
    "Put": _EXPRESSION_MEMBERS | {"Item"},
    "Update": _EXPRESSION_MEMBERS | {"Key", "UpdateExpression"},
    "Delete": _EXPRESSION_MEMBERS | {"Key"},
    "ConditionCheck": _EXPRESSION_MEMBERS | {"Key"},
    "TransactWriteItems": frozenset({"TransactItems", "ClientRequestToken"}),
}
_REQUIRED: Final[dict[str, frozenset[str]]] = {
    "GetItem": frozenset({"TableName", "Key"}),
    "Query": frozenset({"TableName"}),
    "Scan": frozenset({"TableName"}),
    "PutItem": frozenset({"TableName", "Item"}),
    "UpdateItem": frozenset({"TableName", "Key"}),
    "DeleteItem": frozenset({"TableName", "Key"}),
    "Put": frozenset({"TableName", "Item"}),
    "Update": frozenset({"TableName", "Key", "UpdateExpression"}),
    "Delete": frozenset({"TableName", "Key"}),
    "ConditionCheck": frozenset({"TableName", "Key", "ConditionExpression"}),
    "TransactWriteItems": frozenset({"TransactItems"}),
}
_RETURNED: Final[dict[str, frozenset[str]]] = {
    "PutItem": frozenset({"NONE", "ALL_OLD"}),
    "DeleteItem": frozenset({"NONE", "ALL_OLD"}),
    "UpdateItem": frozenset({"NONE", "ALL_OLD", "ALL_NEW"}),
}

_Key = tuple[str, str, str]  # table, pk, sk


@dataclass(frozen=True, slots=True)
class _Write:
    """A write that is checked and ready: what it does to the item, if its condition holds."""

    key: _Key
    condition: Condition | None
    names: Names
    values: Values
    apply: Callable[[Item | None], Item | None]
    tells_old: bool  # whether a failed condition returns the item

    def new_item(self, old: Item | None) -> Item | None:
        """The item after it. Raises _ConditionFailed and _CannotApply."""
        if self.condition is not None and not self.condition(old or {}, self.names, self.values):
            raise _ConditionFailed(old if self.tells_old else None)
        return self.apply(old)


class MemoryClient:
    """A boto3 DynamoDB client over tables in memory with the keys `pk` and `sk`, both texts.

    Safe to share by threads. It answers and raises as the real one does: botocore's ClientError with the same codes
    and members.
    """

    def __init__(self, *tables: str) -> None:
        self._lock = threading.Lock()
        self._tables: dict[str, dict[str, dict[str, Item]]] = {name: {} for name in tables or (CORE, EPHEMERAL)}
        self._tokens: dict[str, str] = {}  # of transactions that were done: what they asked for

    def close(self) -> None:
        """As the real one's; there is nothing to close."""

    def get_item(self, **request: Any) -> dict[str, Any]:
        operation = "GetItem"
        try:
            self._check_members(operation, request)
            key = self._key(request)
        except _Invalid as error:
            raise _client_error(operation, "ValidationException", str(error)) from None
        with self._lock:
            item = self._item(key)
        return {"Item": _handed_out(item)} if item is not None else {}

    def query(self, **request: Any) -> dict[str, Any]:
        """Items of one partition in the order of their sort keys; all of them, however many: there are no pages."""
        operation = "Query"
        try:
            self._check_members(operation, request)
            parsed = _parsed("KeyConditionExpression", request.get("KeyConditionExpression", ""))
            names, values = _substitutions(request, parsed.names, parsed.values, operation)
            for check in parsed.checks:
                check(values)
            pk = _partition(parsed, names, values)
        except _Invalid as error:
            raise _client_error(operation, "ValidationException", str(error)) from None
        condition = parsed.condition
        assert condition is not None
        with self._lock:
            partition = self._tables[request["TableName"]].get(pk, {})
            items = [_handed_out(partition[sk]) for sk in sorted(partition) if condition(partition[sk], names, values)]
        return {"Items": items, "Count": len(items), "ScannedCount": len(items)}

    def scan(self, **request: Any) -> dict[str, Any]:
        """All items of a table that its filter, if it has one, lets through; in no order, and without pages."""
        operation = "Scan"
        try:
            self._check_members(operation, request)
            text = request.get("FilterExpression")
            parsed = _parsed("FilterExpression", text) if text is not None else _NOTHING_ASKED
            names, values = _substitutions(request, parsed.names, parsed.values, operation)
            for check in parsed.checks:
                check(values)
        except _Invalid as error:
            raise _client_error(operation, "ValidationException", str(error)) from None
        with self._lock:
            all_items = [item for each in self._tables[request["TableName"]].values() for item in each.values()]
            wanted = parsed.condition
            items = [_handed_out(item) for item in all_items if wanted is None or wanted(item, names, values)]
        return {"Items": items, "Count": len(items), "ScannedCount": len(all_items)}

    def put_item(self, **request: Any) -> dict[str, Any]:
        return self._write_one("PutItem", request)

    def update_item(self, **request: Any) -> dict[str, Any]:
        return self._write_one("UpdateItem", request)

    def delete_item(self, **request: Any) -> dict[str, Any]:
        return self._write_one("DeleteItem", request)

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        """All or nothing. Under a token that was used, nothing, if it asks for the same; tokens never expire here."""
        operation = "TransactWriteItems"
        try:
            self._check_members(operation, request)
            writes = self._transaction(request["TransactItems"])
            token = request.get("ClientRequestToken")
            if token is not None and not 1 <= len(token) <= _MAX_TOKEN_CHARACTERS:
                raise _Invalid("Member must have length less than or equal to 36 at 'clientRequestToken'")
        except _Invalid as error:
            raise _client_error(operation, "ValidationException", str(error)) from None
        asked = "" if token is None else json.dumps(request["TransactItems"], sort_keys=True, default=repr)
        with self._lock:
            if token is not None and token in self._tokens:
                if self._tokens[token] == asked:
                    return {}
                raise _client_error(
                    operation,
                    "IdempotentParameterMismatchException",
                    "The request uses the same client token as a previous, but non-identical request.",
                )
            new_items: list[Item | None] = []
            reasons: list[dict[str, Any]] = []
            for write in writes:
                new, reason = _outcome(write, self._item(write.key))
                new_items.append(new)
                reasons.append(reason)
            codes = [reason["Code"] for reason in reasons]
            if any(code != "None" for code in codes):
                message = "Transaction cancelled, please refer cancellation reasons for specific reasons"
                raise _client_error(
                    operation,
                    "TransactionCanceledException",
                    f"{message} [{', '.join(codes)}]",
                    CancellationReasons=reasons,
                )
            for write, new in zip(writes, new_items, strict=True):
                self._keep(write.key, new)
            if token is not None:
                self._tokens[token] = asked
        return {}

    def _write_one(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            self._check_members(operation, request)
            returned = request.get("ReturnValues", "NONE")
            if returned not in _RETURNED[operation]:
                if operation == "UpdateItem" and returned in ("UPDATED_OLD", "UPDATED_NEW"):
                    raise NotImplementedError(returned)
                raise _Invalid(f"Return values set to invalid value: {returned}")
            write = self._prepared(operation, request)
            with self._lock:
                old = self._item(write.key)
                new = write.new_item(old)
                self._keep(write.key, new)
        except (_Invalid, _CannotApply) as error:
            raise _client_error(operation, "ValidationException", str(error)) from None
        except _ConditionFailed as failure:
            item = {} if failure.item is None else {"Item": _handed_out(failure.item)}
            raise _client_error(operation, "ConditionalCheckFailedException", _CONDITION_FAILED, **item) from None
        shown = {"NONE": None, "ALL_OLD": old, "ALL_NEW": new}[returned]
        return {"Attributes": _handed_out(shown)} if shown is not None else {}

    def _transaction(self, actions: list[Mapping[str, Mapping[str, Any]]]) -> list[_Write]:
        if not actions:  # the SDK itself refuses
            raise ParamValidationError(report="Invalid length for parameter TransactItems, value: 0")
        if len(actions) > _MAX_ACTIONS:
            raise _Invalid("Member must have length less than or equal to 100 at 'transactItems'")
        writes = []
        for action in actions:
            if len(action) != 1:
                raise _Invalid("TransactItems can only contain one of Check, Put, Update or Delete")
            ((kind, request),) = action.items()
            if kind not in ("Put", "Update", "Delete", "ConditionCheck"):
                raise ParamValidationError(report=f'Unknown parameter in TransactItems: "{kind}"')
            self._check_members(kind, request)
            writes.append(self._prepared(kind, request))
        if len({write.key for write in writes}) != len(writes):
            raise _Invalid("Transaction request cannot include multiple operations on one item")
        return writes

    def _prepared(self, operation: str, request: Mapping[str, Any]) -> _Write:
        """A write, with everything checked that does not depend on the item. Raises _Invalid."""
        tells = request.get("ReturnValuesOnConditionCheckFailure", "NONE")
        if tells not in ("NONE", "ALL_OLD"):
            raise _Invalid(f"Value '{tells}' at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint")
        update, condition = request.get("UpdateExpression"), request.get("ConditionExpression")
        if update is None and condition is None:
            for member in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
                if member in request:
                    raise _Invalid(f"{member} can only be specified when using expressions")
        parsed = _expressions(update, condition)
        names, values = _substitutions(request, parsed.names, parsed.values, operation)
        for check in parsed.checks:
            check(values)
        apply: Callable[[Item | None], Item | None]
        if operation in ("PutItem", "Put"):
            new = {name: _stored(value, name) for name, value in request["Item"].items()}
            key = self._checked_key(request["TableName"], new, "item")
            _check_size(new, "Item size has exceeded the maximum allowed size")
            apply = lambda old: new  # noqa: E731
        else:
            key = self._key(request)
            if operation in ("UpdateItem", "Update"):
                apply = _updated(key, parsed.update, names, values)
            elif operation == "ConditionCheck":
                apply = lambda old: old  # noqa: E731
            else:
                apply = lambda old: None  # noqa: E731
        return _Write(key, parsed.condition, names, values, apply, tells == "ALL_OLD")

    def _check_members(self, operation: str, request: Mapping[str, Any]) -> None:
        for member in request.keys() - _MEMBERS[operation]:
            if member in _UNMODELLED:
                raise NotImplementedError(f"{member} of {operation}")
            raise ParamValidationError(report=f'Unknown parameter in input: "{member}"')
        missing = _REQUIRED[operation] - request.keys()
        if missing:
            raise ParamValidationError(report=f'Missing required parameter in input: "{min(missing)}"')
        table = request.get("TableName")
        if table is not None and table not in self._tables:
            raise _client_error(operation, "ResourceNotFoundException", "Requested resource not found")

    def _key(self, request: Mapping[str, Any]) -> _Key:
        attributes = request["Key"]
        if attributes.keys() != set(KEY_NAMES):
            raise _Invalid("The provided key element does not match the schema")
        return self._checked_key(request["TableName"], attributes, "key")

    def _checked_key(self, table: str, attributes: Mapping[str, Any], where: str) -> _Key:
        found = []
        for name in KEY_NAMES:
            attribute = attributes.get(name)
            if attribute is None:
                raise _Invalid(f"One or more parameter values were invalid: Missing the key {name} in the item")
            value = _stored(attribute, name)
            if "S" not in value:
                if where == "key":
                    raise _Invalid("The provided key element does not match the schema")
                raise _Invalid(
                    "One or more parameter values were invalid: "
                    f"Type mismatch for key {name} expected: S actual: {_type(value)}"
                )
            text: str = value["S"]
            if not text:
                raise _Invalid(
                    "One or more parameter values are not valid. "
                    f"The AttributeValue for a key attribute cannot contain an empty string value. Key: {name}"
                )
            if len(text) * 4 > _MAX_KEY_BYTES[name] and len(text.encode()) > _MAX_KEY_BYTES[name]:
                raise _Invalid(
                    f"One or more parameter values were invalid: Size of {name} has exceeded the maximum size limit of "
                    f"{_MAX_KEY_BYTES[name]} bytes"
                )
            found.append(text)
        return table, found[0], found[1]

    def _item(self, key: _Key) -> Item | None:
        table, pk, sk = key
        return self._tables[table].get(pk, {}).get(sk)

    def _keep(self, key: _Key, item: Item | None) -> None:
        table, pk, sk = key
        partitions = self._tables[table]
        if item is not None:
            partitions.setdefault(pk, {})[sk] = item
            return
        partition = partitions.get(pk, {})
        partition.pop(sk, None)
        if not partition:
            partitions.pop(pk, None)


def _updated(key: _Key, update: _Parsed | None, names: Names, values: Values) -> Callable[[Item | None], Item | None]:
    """What an update makes of an item: every right-hand side sees the item before it. Raises _Invalid."""
    assignments = update.assignments if update else ()
    targets = [names[assignment.target] for assignment in assignments]
    for target in targets:
        if target in KEY_NAMES:
            raise _Invalid(
                f"One or more parameter values were invalid: Cannot update attribute {target}. "
                "This attribute is part of the key"
            )
    if len(set(targets)) != len(targets):
        twice = next(target for target in targets if targets.count(target) > 1)
        raise _Invalid(
            "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of "
            f"these paths; path one: [{twice}], path two: [{twice}]"
        )

    def apply(old: Item | None) -> Item | None:
        if old is None:
            if update is not None and update.only_removes:
                raise NotImplementedError("an update that only removes, of an item that is not there")
            old = {"pk": {"S": key[1]}, "sk": {"S": key[2]}}
        new = dict(old)
        for target, assignment in zip(targets, assignments, strict=True):
            value = assignment.get(old, names, values)
            if value is None:
                new.pop(target, None)
            else:
                new[target] = value
        try:
            _check_size(new, "Item size to update has exceeded the maximum allowed size")
        except _Invalid as error:
            raise _CannotApply(str(error)) from None
        return new

    return apply


def _outcome(write: _Write, old: Item | None) -> tuple[Item | None, dict[str, Any]]:
    """What a transaction's write makes of an item, and its reason should the transaction be cancelled."""
    try:
        return write.new_item(old), {"Code": "None"}
    except _ConditionFailed as failure:
        reason: dict[str, Any] = {"Code": "ConditionalCheckFailed", "Message": _CONDITION_FAILED}
        if failure.item is not None:
            reason["Item"] = _handed_out(failure.item)
        return old, reason
    except _CannotApply as error:
        return old, {"Code": "ValidationError", "Message": str(error)}


def _partition(parsed: _Parsed, names: Names, values: Values) -> str:
    """The partition that a key condition names: it must, by `=`, and say at most one thing of the sort key."""
    parts = {names.get(alias, alias): (operator, given) for alias, operator, given in parsed.key_parts}
    if len(parts) != len(parsed.key_parts):
        raise _Invalid("KeyConditionExpressions must only contain one condition per key")
    if set(parts) - set(KEY_NAMES) or parts.get("pk", ("", ()))[0] != "=":
        raise _Invalid("Query condition missed key schema element: pk")
    for operator, given in parts.values():
        for value in (values[name] for name in given if name):
            if "S" not in value:
                raise _Invalid(f"One or more parameter values were invalid: Condition parameter type of {operator}")
    pk: str = values[parts["pk"][1][0]]["S"]
    if not pk:
        raise _Invalid(
            "One or more parameter values are not valid. "
            "The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"
        )
    return pk


def _check_size(item: Item, message: str) -> None:
    if sum(len(name) + _bytes(value) for name, value in item.items()) > _MAX_ITEM_BYTES:
        raise _Invalid(message)


def _client_error(operation: str, code: str, message: str, **members: Any) -> ClientError:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400, "RetryAttempts": 0},
        **members,
    }
    return ClientError(response, operation)


def memory_store(client: MemoryClient | None = None) -> Store:
    """The services' store, in memory: empty, unless a client is given whose tables are `core` and `ephemeral`."""
    return Store(Database(client or MemoryClient(), pause=lambda _: None), CORE, EPHEMERAL)


def snapshot(client: MemoryClient) -> dict[tuple[str, str, str], dict[str, Any]]:
    """All items by (table, pk, sk), as attribute values: `True` and `1` compare equal in Python, these do not."""
    with client._lock:
        return {
            (table, pk, sk): _handed_out(item)
            for table, partitions in client._tables.items()
            for pk, partition in partitions.items()
            for sk, item in partition.items()
        }
