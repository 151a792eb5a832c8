"""Error messages of Glue as the API shows them, and the lines of its error log."""

from __future__ import annotations

import pytest

from chalicelib.domain.run_errors import script_lines, sentence_and_place


# Messages of Glue as users have published them, with other names.
@pytest.mark.parametrize(
    ("message", "sentence", "place"),
    [
        (
            "Error Category: QUERY_ERROR; Failed Line Number: 84; AnalysisException: [UNRESOLVED_COLUMN] No.",
            "AnalysisException: [UNRESOLVED_COLUMN] No.",
            " (main.py, line 84)",
        ),
        (
            "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 24; An error occurred while calling "
            "o158.toDF. Unable to parse file: videos.csv",
            "Unable to parse file: videos.csv",
            " (main.py, line 24)",
        ),
        (
            "Error Category: INVALID_ARGUMENT_ERROR; Failed Line Number: 59; KeyError: 'Tags'",
            "KeyError: 'Tags'",
            " (main.py, line 59)",
        ),
        (
            "Error Category: SYNTAX_ERROR; Failed Line Number: 1; SyntaxError: bad (helper.py, line 7)",
            "SyntaxError: bad",
            " (helper.py, line 7)",
        ),
        ("Error Category: SYSTEM_EXIT_ERROR; SystemExit: 3", "SystemExit: 3", ""),
        ("Job run timed out", "Job run timed out", ""),
        ("ValueError: a; b", "ValueError: a; b", ""),
        ("An error occurred while calling o1.x.", "An error occurred while calling o1.x.", ""),
        (
            "Error Category: IMPORT_ERROR; Failed Line Number: 1; ModuleNotFoundError: No module named 'x'",
            "ModuleNotFoundError: No module named 'x'. Add its package to python_modules, or upload the "
            "module as a job file.",
            " (main.py, line 1)",
        ),
        (
            "Error Category: IMPORT_ERROR; ModuleNotFoundError: No module named 'pandas'. Another hint.",
            "ModuleNotFoundError: No module named 'pandas'. Another hint.",
            "",
        ),
    ],
)
def test_a_message_is_a_sentence_and_a_place(message: str, sentence: str, place: str) -> None:
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
