"""JSON files: JSON Lines, arrays, and concatenated objects."""
