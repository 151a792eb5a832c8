"""Decimal commas and thousands separators: `1.234,56` becomes `1234.56`.

A column has decimal commas if

1. `decimal = ","` is set, or the separator of every file is `;` or a tab;
2. every value that is not null is digits, perhaps in groups of three with points between them, perhaps with a
   comma and digits after it, perhaps with a sign in front; and at least one has a comma; and
3. unless `decimal = ","` is set, at least one cannot be a thousands separator: it has other than three digits
   after it, a point or nothing but `0` before it.

`decimal = "."` does the same with comma and point exchanged: `1,234.56` becomes `1234.56`.
"""

from __future__ import annotations

from dataclasses import dataclass

from glue_assets.sources.folder.options import TableOptions


@dataclass(frozen=True)
class Marks:
    """Numbers of a column whose decimal separator is `mark`, and what all of them have in common.

    `is_number` is true if every value is one. `is_marked` is true if one has to be changed, and `is_sure` if
    one cannot mean anything else. `is_padded` is true if one has a leading zero.
    """

    mark: str
    is_number: bool = True
    is_marked: bool = False
    is_sure: bool = False
    is_padded: bool = False
    digits: int = 0
    scale: int = 0

    def __or__(self, other: Marks) -> Marks:
        """Return what the numbers of both have in common."""
        return Marks(
            self.mark,
            self.is_number and other.is_number,
            self.is_marked or other.is_marked,
            self.is_sure or other.is_sure,
            self.is_padded or other.is_padded,
            max(self.digits, other.digits),
            max(self.scale, other.scale),
        )

    def holds(self, options: TableOptions) -> bool:
        """Return whether the column has such numbers, and no other values."""
        return self.is_number and self.is_marked and (self.is_sure or options.decimal is not None)

    def holds_for_numbers(self, options: TableOptions) -> bool:
        """Return the same for a column whose values must be numbers."""
        return options.decimal is not None or (self.is_marked and self.is_sure)

    def plain(self, text: str) -> str:
        """Return a number in SQL without thousands separators and with a decimal point; null for others."""
        number = f"replace(replace({text}, '{_other(self.mark)}', ''), '{self.mark}', '.')"
        is_number = f"regexp_full_match({text}, '{_form(self.mark)}')"
        return f"CASE WHEN {text} = '' THEN '' WHEN {is_number} THEN {number} END"

    @property
    def type(self) -> str:
        """The Hive type of the column."""
        digits = self.digits + self.scale
        if self.is_padded or digits > 38:
            return "string"
        return f"decimal({18 if digits <= 18 else 38},{self.scale})"

    @property
    def words(self) -> str:
        """What was converted."""
        if self.mark == ",":
            return "decimal commas became points (1.234,56 became 1234.56)"
        return "thousands separators were removed (1,234.56 became 1234.56)"


def mark_of(options: TableOptions, separators: set[str]) -> str | None:
    """Return the decimal separator to look for, or None."""
    return options.decimal or ("," if separators <= {";", "\t"} else None)


def marks_of(value: str, mark: str) -> tuple[str, ...]:
    """Return the aggregates in SQL whose results are the arguments of `Marks` after `mark`.

    `value` is null or not empty.
    """
    other = _other(mark)
    whole, fraction = f"split_part({value}, '{mark}', 1)", f"split_part({value}, '{mark}', 2)"
    sure = f"[+-]?0?[{mark}].*|.*[{other}].*[{mark}].*|.*[{mark}](?:.{{1,2}}|.{{4,}})"
    marked = f"contains({value}, ',')"
    begins = f"ascii({value}) BETWEEN 43 AND 57"  # saves time: most columns are no numbers
    return (
        f"bool_and({value} IS NULL OR ({begins} AND regexp_full_match({value}, '{_form(mark)}')))",
        f"bool_or({marked})",
        f"bool_or({marked} AND regexp_full_match({value}, '{sure}'))",
        f"bool_or(regexp_full_match({value}, '[+-]?0[0-9].*') OR {value} LIKE '+%')",
        f"max(strlen(replace(replace({whole}, '{other}', ''), '-', '')))",
        f"max(strlen({fraction}))",
    )


def _form(mark: str) -> str:
    return f"[+-]?(?:[0-9]{{1,3}}(?:[{_other(mark)}][0-9]{{3}})+|[0-9]+)(?:[{mark}][0-9]+)?"


def _other(mark: str) -> str:
    return "," if mark == "." else "."
