"""CSV files: dialect, checks of all rows, types, and the conversion to what every engine reads alike."""
