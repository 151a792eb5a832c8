"""Error messages of Glue as the API shows them, and the lines of its error log."""

from __future__ import annotations

import pytest

from chalicelib.domain.run_errors import explained, script_lines, sentence_and_place


# Messages of Glue as users have published them, with other names.
@pytest.mark.parametrize(
    ("message", "sentence", "place"),
    [
        (
            "Error Category: QUERY_ERROR; Failed Line Number: 84; AnalysisException: [UNRESOLVED_COLUMN] No.",
            "AnalysisException: [UNRESOLVED_COLUMN] No.",
            ("src/main.py", 84),
        ),
        (
            "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 24; An error occurred while calling "
            "o158.toDF. Unable to parse file: videos.csv",
            "Unable to parse file: videos.csv",
            ("src/main.py", 24),
        ),
        (
            "Error Category: INVALID_ARGUMENT_ERROR; Failed Line Number: 59; KeyError: 'Tags'",
            "KeyError: 'Tags'",
            ("src/main.py", 59),
        ),
        (
            "Error Category: SYNTAX_ERROR; Failed Line Number: 1; SyntaxError: bad (helper.py, line 7)",
            "SyntaxError: bad",
            ("helper.py", 7),
        ),
        ("Error Category: SYSTEM_EXIT_ERROR; SystemExit: 3", "SystemExit: 3", None),
        ("Job run timed out", "Job run timed out", None),
        ("ValueError: a; b", "ValueError: a; b", None),
        ("An error occurred while calling o1.x.", "An error occurred while calling o1.x.", None),
        (
            "Error Category: IMPORT_ERROR; Failed Line Number: 1; ModuleNotFoundError: No module named 'x'",
            "ModuleNotFoundError: No module named 'x'. Add its package to python_modules, or upload the "
            "module as a job file.",
            ("src/main.py", 1),
        ),
        (
            "Error Category: IMPORT_ERROR; ModuleNotFoundError: No module named 'pandas'. Another hint.",
            "ModuleNotFoundError: No module named 'pandas'. Another hint.",
            None,
        ),
    ],
)
def test_a_message_is_a_sentence_and_a_place(message: str, sentence: str, place: object) -> None:
    assert sentence_and_place(message, "src/main.py") == (sentence, place)


def test_the_lines_of_a_script_are_shown_without_those_of_spark() -> None:
    log = [
        "26/11/26 10:00:00 WARN NativeCodeLoader: Unable to load native-hadoop library",
        "2026-11-26 10:00:01,123 INFO [Thread-4] glue.SomeClass: started",
        "Traceback (most recent call last):",
        " ",
        "\tat org.apache.spark.Some$.call(Some.scala:3)",
        "\t... 12 more",
        "Caused by: java.io.IOException: closed",
        "Driver stacktrace:",
        "ValueError: bad",
    ]
    assert script_lines(log, 20) == ["Traceback (most recent call last):", "ValueError: bad"]
    assert script_lines(log, 1) == ["ValueError: bad"]


def test_a_log_without_lines_of_the_script_is_shown() -> None:
    log = ["26/11/26 10:00:00 WARN A: one", "26/11/26 10:00:00 WARN A: two"]
    assert script_lines(log, 1) == log[-1:]


FILES = ("src/main.py", "src/lib/clean.py", "lib/clean.py", "queries.sql")


def place(message: str, *log: str) -> tuple[str | None, int | None]:
    error = explained(message, log, "k3v7q2mzab", "src/main.py", FILES)
    return error.script, error.line


def test_the_place_is_the_innermost_line_of_a_job_file() -> None:
    message = "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 12; ValueError: bad"
    trace = (
        "Traceback (most recent call last):",
        '  File "/tmp/main.py", line 12, in <module>',
        '  File "/tmp/glue-python-libs-a1b2/modules.zip/src/lib/clean.py", line 7, in prices',
        '  File "/usr/lib/python3.11/site-packages/pyspark/sql/dataframe.py", line 3223, in select',
        "ValueError: bad",
    )
    assert place(message, *trace) == ("src/lib/clean.py", 7)
    assert place(message) == ("src/main.py", 12)
    error = explained(message, trace, "k3v7q2mzab", "src/main.py", FILES)
    assert error.message == "ValueError: bad (clean.py, line 7)"


def test_a_traceback_of_an_exception_that_the_script_caught_is_no_place() -> None:
    message = "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 30; ValueError: bad"
    caught = ("Traceback (most recent call last):", '  File "main.py", line 12, in <module>', "KeyError: 1")
    assert place(message, *caught) == ("src/main.py", 30)


def test_the_log_has_the_place_that_the_message_lacks() -> None:
    log = ("Traceback (most recent call last):", '  File "/tmp/main.py", line 9, in <module>', "KeyError: 1")
    assert place("Command failed with exit code 1", *log) == ("src/main.py", 9)


def test_the_place_in_a_function_that_a_worker_called() -> None:
    message = (
        "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 21; An error occurred while calling "
        "o91.showString. An exception was thrown from the Python worker. Please see the stack trace below.\n"
        "Traceback (most recent call last):\n"
        '  File "/opt/amazon/spark/python/lib/pyspark.zip/pyspark/worker.py", line 1247, in main\n'
        '  File "/tmp/main.py", line 4, in initials\n'
        "IndexError: list index out of range\n"
    )
    error = explained(message, (), "k3v7q2mzab", "src/main.py", FILES)
    assert (error.script, error.line, error.cause) == ("src/main.py", 4, "key")
    assert error.message == "IndexError: list index out of range (main.py, line 4)"


@pytest.mark.parametrize(
    ("sentence", "sql_place"),
    [
        ("ParseException: [PARSE_SYNTAX_ERROR] Syntax error at or near 'FRM'.(line 3, pos 9)", (3, 9)),
        ("AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION] No.; line 1 pos 7", (1, 7)),
        ("ValueError: bad (main.py, line 3)", (None, None)),
    ],
)
def test_the_place_in_a_sql_statement(sentence: str, sql_place: object) -> None:
    message = f"Error Category: QUERY_ERROR; Failed Line Number: 5; {sentence}"
    error = explained(message, (), "k3v7q2mzab", "src/main.py", FILES)
    assert (error.sql_line, error.sql_position) == sql_place
