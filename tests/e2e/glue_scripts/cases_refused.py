"""Scripts that cannot run on a laptop, and scripts that fail: the error says why."""

from tests.e2e.glue_scripts.case import Case
from tests.e2e.glue_scripts.data import EVENTS, ORDERS_CSV, lines

_ORDERS = {"orders/orders.csv": ORDERS_CSV}
_EVENTS = {"events/a.json": lines(EVENTS)}

CASES = [
    Case(
        "refused_jdbc_source.py",
        error=r"^NotImplementedError: .*mysql(?!.*secret-of-the-database)",
        warning="mysql",
    ),
    Case(
        "refused_jdbc_sink.py",
        inputs=_EVENTS,
        error=r"^NotImplementedError: .*(from_jdbc_conf|JDBC)",
        warning="jdbc",
    ),
    Case("refused_dynamodb.py", error="^NotImplementedError: .*dynamodb", warning="dynamodb"),
    Case("refused_kinesis.py", error="^NotImplementedError: .*kinesis", warning="kinesis"),
    Case("refused_iceberg.py", inputs=_EVENTS, error="(?i)iceberg"),
    Case("refused_delta.py", inputs=_EVENTS, error="(?i)delta", warning="delta"),
    Case("refused_graphframes.py", error="graphframes"),
    Case("refused_find_matches.py", inputs=_EVENTS, error="awsglueml|FindMatches"),
    Case(
        "failing_script.py",
        inputs=_ORDERS,
        error=r"^ValueError: no negative amounts: expected the refunds of the day \(main\.py, line 19\)$",
        is_quick=True,
    ),
    Case("missing_column.py", inputs=_ORDERS, error=r"AnalysisException: .*amout"),
    Case("missing_argument.py", error="window_days"),
    Case("failing_function.py", inputs=_ORDERS, error="ZeroDivisionError"),
]
