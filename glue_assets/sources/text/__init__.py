"""Text files: encodings, line ends, and files that are something else than their name says."""
