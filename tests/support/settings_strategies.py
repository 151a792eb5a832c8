"""Settings generated from the service's own models: types, patterns and bounds."""

from __future__ import annotations

import re._constants as opcodes
import re._parser as regex  # type: ignore[import-untyped]
from collections.abc import Mapping
from random import Random
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le, MaxLen, MinLen
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from chalicelib.domain.patterns import PLAIN, Matching
from chalicelib.domain.setting_rules import invalid_combinations
from chalicelib.domain.setting_types import Schedule
from chalicelib.domain.settings import MOST_JOBS, JobSettings, Limits, Settings

Json = dict[str, Any]

_SCHEDULES = st.sampled_from(
    [
        *("rate(5 minutes)", "rate(1 hour)", "rate(24 hours)", "rate(1 day)", "cron(0 0 LW * ? *)"),
        *("cron(0 0 ? JAN,feb fri#3 2027-2199)", "cron(1-0 0 * * ? *)", "cron(0 22-4 * * ? *)"),
        *("cron(0/5 0-23/2,1 1,2,3-31/7 */3 ? 1970-2199/5)", "cron(0 12 1 1 ? 2020)"),
    ]
)


def texts(pattern: str, most: int = 80) -> st.SearchStrategy[str]:
    """Strings that match a pattern, half of them of maximum length. `most` bounds unlimited repetitions."""
    parsed = regex.parse(pattern)
    return st.integers(0, 2**16).map(lambda seed: _text(parsed, Random(seed), most, seed % 2 == 0))


def _text(parsed: Any, random: Random, most: int, is_long: bool) -> str:
    text = ""
    for kind, value in parsed:
        if kind is opcodes.LITERAL:
            text += chr(value)
        elif kind is opcodes.IN:
            text += _character(value, random)
        elif kind is opcodes.MAX_REPEAT:
            low, high, part = value
            high = max(low, min(high, most))
            times = high if is_long else random.randint(low, high)
            text += "".join(_text(part, random, most, is_long) for _ in range(times))
        elif kind is opcodes.SUBPATTERN:
            text += _text(value[-1], random, most, is_long)
        elif kind is opcodes.BRANCH:
            text += _text(random.choice(value[1]), random, most, is_long)
        else:
            raise NotImplementedError(kind)
    return text


def _character(choices: Any, random: Random) -> str:
    """One character of a set. First, last and single characters are as likely as all others together."""
    _, value = random.choice(choices)
    ends = value if isinstance(value, tuple) else (value, value)
    return chr(random.choice([*ends, random.randint(*ends)]))


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a model's type, most of them valid."""
    if hint == Schedule:
        return _SCHEDULES
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(arguments[0], [part for given in arguments[1:] for part in _flat(given)])
    if origin is Literal:
        return st.sampled_from(arguments)
    if arguments and type(None) in arguments:
        return st.none() | st.one_of([values(one) for one in arguments if one is not type(None)])
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return fields(hint)
    if hint is bool:
        return st.booleans()
    raise NotImplementedError(hint)


def fields(model: type[BaseModel]) -> st.SearchStrategy[Json]:
    """A subset of a model's fields. Includes new fields automatically."""
    hints = get_type_hints(model, include_extras=True)
    return st.fixed_dictionaries({}, optional={name: values(hints[name]) for name in model.model_fields})


def _flat(part: Any) -> list[Any]:
    return list(part.metadata) if isinstance(part, FieldInfo) else [part]


def _annotated(kind: Any, parts: list[Any]) -> st.SearchStrategy[Any]:
    def of(part: Any, name: str, default: Any) -> Any:
        return next((getattr(one, name) for one in parts if isinstance(one, part)), default)

    longest, shortest = of(MaxLen, "max_length", None), of(MinLen, "min_length", 0)
    if kind is int:
        low, high = of(Ge, "ge", None), of(Le, "le", None)
        return st.integers(low, high) | st.sampled_from([low, high])
    if kind is str:
        matching = next(part for part in parts if isinstance(part, Matching))
        if matching == PLAIN:
            letters = st.sampled_from(
                ["a", "\u00e9", "\u20ac", "\U0001f600", "{ ", "${AWS::Region}", "'\"\\\\"]
            )
            lengths = st.integers(shortest, longest) | st.just(longest)
            made = st.builds(lambda text, length: (text * length)[:length], letters, lengths)
        else:
            made = texts(matching.pattern)
        adapter: TypeAdapter[Any] = TypeAdapter(Annotated[kind, *parts])
        return made.filter(lambda text: len(text) >= shortest and _is_valid(adapter, text))
    if get_origin(kind) is list:
        [item] = get_args(kind)
        return st.lists(values(item), max_size=3) | st.lists(values(item), min_size=longest, max_size=longest)
    if get_origin(kind) is dict:
        name, value = get_args(kind)
        return st.dictionaries(values(name), values(value), max_size=4)
    raise NotImplementedError(kind)


def _is_valid(adapter: TypeAdapter[Any], value: Any) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


@st.composite
def accepted(draw: st.DrawFn, limits: Limits) -> Settings:
    """Settings that the service accepts: generated ones without the rejected fields."""
    given = draw(fields(Settings))
    given.pop("jobs", None)
    if draw(st.booleans()) and limits.role_arns:
        given |= {"iam_role": False, "role_arn": draw(st.sampled_from(limits.role_arns))}
    if draw(st.booleans()) and limits.kms_key_arns:
        given |= {"kms_key": False, "kms_key_arn": draw(st.sampled_from(limits.kms_key_arns))}
    if draw(st.booleans()):
        script = draw(values(get_type_hints(JobSettings, include_extras=True)["script"]).filter(bool))
        given |= {"mode": "production", "job": {**given.get("job", {}), "script": script}}
        if more := draw(st.lists(fields(JobSettings), max_size=MOST_JOBS - 1)):
            others = [{**job, "name": f"other-{n}", "script": script} for n, job in enumerate(more)]
            given["jobs"] = [given.pop("job"), *others]
    for _ in range(20):
        settings = Settings.model_validate(given)
        wrong = invalid_combinations(settings, limits)
        if not wrong:
            return settings.within(limits).resolved()
        for one in wrong:
            given = without(given, one["pointer"].split("/")[1:])
    raise AssertionError(wrong)


def without(given: Mapping[str, Any], path: list[str]) -> Json:
    """Settings without the field that a problem's pointer names."""
    [name, *rest] = path
    if name == "jobs" and name not in given:
        return dict(given)  # the stored jobs do not fit another field of the change, such as `mode`
    if name == "jobs" and rest:
        jobs = [without(job, rest[1:]) if str(n) == rest[0] else job for n, job in enumerate(given[name])]
        return {**given, name: jobs}
    if name == "jobs":
        return {**given, name: given[name][:1]}
    if name in ("role_arn", "kms_key_arn") and name not in given:  # fields that need it are the invalid ones
        name = {"role_arn": "iam_role", "kms_key_arn": "kms_key"}[name]
    if path == ["job", "script"] and "script" not in given.get("job", {}):
        name, rest = "mode", []
    if rest and name in given:
        return {**given, name: without(given[name], rest)}
    return {key: value for key, value in given.items() if key != name}
