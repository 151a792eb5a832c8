"""Python modules that Glue provides to a script without any setting.

"Python modules already provided in AWS Glue", versions 5.0 and 5.1:
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-libraries.html#glue-modules-provided
"""

from __future__ import annotations

import re
import sys

# By the names that a script imports.
_GLUE_5_0 = (
    *("aiobotocore", "aiohappyeyeballs", "aiohttp", "aioitertools", "aiosignal", "appdirs", "attr"),
    *("attrs", "boto3", "botocore", "certifi", "charset_normalizer", "contourpy", "cycler", "dateutil"),
    *("fontTools", "frozenlist", "fsspec", "idna", "jmespath", "kaleido", "kiwisolver", "matplotlib"),
    *("mpl_toolkits", "multidict", "numpy", "packaging", "pandas", "PIL", "pip", "pkg_resources"),
    *("plotly", "pyarrow", "pylab", "pyparsing", "pytz", "requests", "s3fs", "s3transfer", "seaborn"),
    *("setuptools", "six", "tenacity", "tzdata", "urllib3", "virtualenv", "wrapt", "yarl"),
)
_SINCE_GLUE_5_1 = (
    *("choreographer", "distlib", "filelock", "iniconfig", "logistro", "narwhals", "orjson"),
    *("platformdirs", "pluggy", "propcache", "pygments", "pytest", "pytest_timeout", "simplejson"),
    *("typing_extensions", "uv"),
)
_SPARK = ("awsglue", "awsgluedq", "awsglueml", "py4j", "pyspark")
_PACKAGES = frozenset((*_GLUE_5_0, *_SPARK))

# Modules of awsglue, and the transforms of `from awsglue.transforms import ...`:
# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-transforms.html
_AWSGLUE = frozenset(
    (
        *(
            "context",
            "data_sink",
            "data_source",
            "dataframe_transforms",
            "dataframereader",
            "dataframewriter",
        ),
        *("devutils", "dynamicframe", "DynamicFrame", "functions", "glue_shell", "gluetypes", "job"),
        *("streaming_data_source", "transforms", "utils", "*"),
    )
)
_TRANSFORMS = frozenset(
    (
        *("ApplyMapping", "Coalesce", "DropDuplicates", "DropFields", "DropNullFields"),
        *("ErrorsAsDynamicFrame", "EvaluateDataQuality", "FillMissingValues", "Filter"),
        *("FindIncrementalMatches", "FindMatches", "FlatMap", "GlueTransform", "Join", "Map"),
        *("MapToCollection", "Relationalize", "RenameField", "Repartition", "ResolveChoice"),
        *("SelectFields", "SelectFromCollection", "Spigot", "SplitFields", "SplitRows", "Unbox", "Union"),
        *("UnnestFrame", "*"),
    )
)

# Packages whose import name is another, among those that jobs often install.
_IMPORT_NAMES = {
    "beautifulsoup4": "bs4",
    "google-cloud-storage": "google",
    "opencv-python": "cv2",
    "opencv-python-headless": "cv2",
    "psycopg2-binary": "psycopg2",
    "pycryptodome": "Crypto",
    "pyjwt": "jwt",
    "pyyaml": "yaml",
    "python-dotenv": "dotenv",
    "scikit-learn": "sklearn",
    "snowflake-connector-python": "snowflake",
}


def provided(glue_version: str) -> frozenset[str]:
    """Return the top-level modules besides Python's own that a Glue version provides."""
    return _PACKAGES if glue_version == "5.0" else _PACKAGES.union(_SINCE_GLUE_5_1)


def is_provided(module: str, glue_version: str = "5.1") -> bool:
    """Return whether Glue provides a module, such as `pandas.core`."""
    top = module.partition(".")[0]
    # Glue 5 and the functions of this service run the same Python, 3.11.
    return top in sys.stdlib_module_names or top in provided(glue_version)


def is_in_awsglue(module: str, name: str) -> bool:
    """Return whether `from module import name` works in Glue, as far as this module knows awsglue."""
    parts = module.split(".")
    if len(parts) == 1:
        return name in _AWSGLUE
    if parts[1:] == ["transforms"]:
        return name in _TRANSFORMS or name.islower()  # a module of it
    return parts[1] in _AWSGLUE


def import_name(requirement: str) -> str:
    """Return the probable import name of a requirement such as `scikit-learn==1.5.2`."""
    package = re.split(r"[\[=<>~!;\s]", requirement, maxsplit=1)[0]
    normalized = re.sub("[-_.]+", "-", package).lower()
    return _IMPORT_NAMES.get(normalized, normalized.replace("-", "_"))
