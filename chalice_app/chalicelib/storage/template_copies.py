"""An environment's own copy of the release's template: arguments of the jobs, and jobs besides the main one.

The template has one job, whose settings are parameters. CloudFormation has no parameters for arguments whose
names are unknown, and no loops over resources with different properties. Each further job is therefore a copy
of the job's resource in which the parameters are replaced by the values of its settings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from chalicelib.domain.environment import Environment
from chalicelib.domain.job_parameters import job_parameters
from chalicelib.domain.settings import Settings

_ARGUMENTS_MARK = "        # releases.py: the arguments of the settings\n"
_JOB = re.compile(r"(?m)^  GlueJob:\n(?:    .*\n)+")
_OPTIONAL = re.compile(r"!If \[Has(\w+), !Ref \1, !Ref AWS::NoValue\]")
_PARAMETER = re.compile(
    r"!If \[Has(?P<optional>\w+), !Ref (?P=optional), !Ref AWS::NoValue\]"
    r"|!Ref (?P<whole>\w+)\b|\$\{(?P<text>\w+)\}"
)
JOB_TYPE = "AWS::Glue::Job"


def template_copy(template: str, environment: Environment) -> str:
    """Return a release's template with the jobs of an environment and their arguments."""
    main, *more = environment.settings.all_jobs
    if not more:
        return with_arguments(template, main.arguments)
    found = _JOB.findall(template)
    if len(found) != 1:
        raise ValueError("the template must have the resource GlueJob once")
    blocks = [with_arguments(found[0], main.arguments)]
    for job in more:
        block = _with_values(found[0], job_parameters(environment, job))
        block = block.replace("  GlueJob:", f"  {logical_id(job.name)}:", 1)
        blocks.append(with_arguments(block, job.arguments))
    return template.replace(found[0], "\n".join(blocks))


def with_arguments(template: str, arguments: Mapping[str, str]) -> str:
    """Return the resource of a Glue job with these default arguments."""
    for name in arguments:
        template = re.sub(rf"(?m)^ +{re.escape(name)}: .*\n", "", template)
    lines = [f"        {name}: {_literal(value)}\n" for name, value in arguments.items()]
    if template.count(_ARGUMENTS_MARK) != 1:
        raise ValueError(f"the template must have the line {_ARGUMENTS_MARK.strip()!r} once")
    return template.replace(_ARGUMENTS_MARK, _ARGUMENTS_MARK + "".join(lines))


def logical_id(name: str) -> str:
    """Return the logical ID of a further job. It follows from the name, so other jobs do not change it."""
    return f"GlueJobX{name.replace('-', 'X')}"  # names have no upper-case letters, so no two names share it


def further_jobs(settings: Settings) -> list[tuple[str, str]]:
    """Return the logical ID and type of every resource that only the environment's copy has."""
    return [(logical_id(job.name), JOB_TYPE) for job in settings.all_jobs[1:]]


def _with_values(block: str, values: Mapping[str, str | int]) -> str:
    """Replace the parameters of the job by values. Arguments without a value are left out.

    Makes one pass, so a value that looks like a parameter stays.
    """
    lines = block.splitlines(keepends=True)
    optional = {line: found[1] for line in lines if (found := _OPTIONAL.search(line))}
    kept = [line for line in lines if values.get(optional.get(line, ""), True)]

    def value(found: re.Match[str]) -> str:
        whole, text = found["optional"] or found["whole"], found["text"]
        if (whole or text) not in values:
            return found[0]
        return _literal(values[whole]) if whole else str(values[text])

    return _PARAMETER.sub(value, "".join(kept))


def _literal(value: str | int) -> str:
    return json.dumps(value, ensure_ascii=False)
