"""PREPARE, EXECUTE and DEALLOCATE PREPARE.

https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html. The workgroup stores the
statements; the API has calls for them as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from local.athena import results, sql
from local.athena.errors import QueryFailed, Refused
from local.athena.results import Result
from local.athena.statement import Session, Statement
from local.athena.statements.tokens import Words
from local.athena.statements.utility import Utility, done
from local.athena.tables import failed


@dataclass(frozen=True)
class Prepare(Utility):
    """PREPARE."""

    name: str
    text: str
    subkind = "PREPARE"

    def run(self, session: Session) -> Result:
        """Store the statement, or replace the one of the same name."""
        athena = session.tables.clients("athena")
        given = {"StatementName": self.name, "WorkGroup": session.workgroup, "QueryStatement": self.text}
        try:
            try:
                athena.get_prepared_statement(StatementName=self.name, WorkGroup=session.workgroup)
            except athena.exceptions.ResourceNotFoundException:
                athena.create_prepared_statement(**given)
            else:
                athena.update_prepared_statement(**given)
        except ClientError as error:
            raise failed(error, f"GENERIC_USER_ERROR: {error}") from error
        return done()


@dataclass(frozen=True)
class Execute(Statement):
    """EXECUTE of a prepared SELECT."""

    name: str
    parameters: tuple[str, ...]
    kind = "DML"
    subkind = "SELECT"

    def run(self, session: Session) -> Result:
        """Return the rows of the prepared query with these parameters."""
        athena = session.tables.clients("athena")
        missing = f"NOT_FOUND: Prepared statement {self.name} does not exist"
        try:
            found = athena.get_prepared_statement(StatementName=self.name, WorkGroup=session.workgroup)
        except ClientError as error:
            raise failed(error, missing) from error
        try:
            tree = sql.read(found["PreparedStatement"]["QueryStatement"], self.parameters)
        except Refused as refused:
            raise QueryFailed(f"INVALID_PARAMETER_USAGE: {refused}") from refused
        return results.fetched(session.relation(tree))


@dataclass(frozen=True)
class Deallocate(Utility):
    """DEALLOCATE PREPARE."""

    name: str
    subkind = "DEALLOCATE_PREPARE"

    def run(self, session: Session) -> Result:
        """Delete the statement."""
        athena = session.tables.clients("athena")
        try:
            athena.delete_prepared_statement(StatementName=self.name, WorkGroup=session.workgroup)
        except ClientError as error:
            missing = f"NOT_FOUND: Prepared statement {self.name} does not exist"
            raise failed(error, missing) from error
        return done()


def read_prepare(words: Words) -> Prepare:
    """Read what follows PREPARE."""
    name = words.name()
    words.expect("FROM")
    return Prepare(name, words.rest().strip())


def read_execute(words: Words, parameters: Sequence[str]) -> Execute:
    """Read what follows EXECUTE. Parameters follow USING, or come with the call."""
    name = words.name()
    given = list(parameters)
    if words.accept("USING"):
        given += sql.expressions(words.rest())
    words.end()
    return Execute(name, tuple(given))


def read_deallocate(words: Words) -> Deallocate:
    """Read what follows DEALLOCATE PREPARE."""
    statement = Deallocate(words.name())
    words.end()
    return statement
