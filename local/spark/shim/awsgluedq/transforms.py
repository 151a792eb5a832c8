"""Data quality: `EvaluateDataQuality` evaluates rules in DQDL."""

from awsglue._quality.transform import EvaluateDataQuality  # type: ignore[import-not-found]

__all__ = ["EvaluateDataQuality"]
