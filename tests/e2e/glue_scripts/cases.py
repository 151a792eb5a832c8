"""All scripts."""

from tests.e2e.glue_scripts import cases_catalog, cases_frames, cases_refused, cases_spark

ALL = [*cases_frames.CASES, *cases_catalog.CASES, *cases_spark.CASES, *cases_refused.CASES]
