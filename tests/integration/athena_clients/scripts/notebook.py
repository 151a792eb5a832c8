"""The lines for a notebook in the API guide."""

import os
from pathlib import Path

GUIDE = (Path(__file__).parents[4] / "docs" / "api.md").read_text(encoding="utf-8")
[lines] = [part.partition("```")[0] for part in GUIDE.split("```python\n")[1:] if "awswrangler" in part]
lines = lines.replace("tbl_orders", "orders").replace(
    "terraglue_k3v7q2mzab_db_ecommerce", os.environ["DATABASE"]
)
given = {
    "access_key_id": os.environ.pop("AWS_ACCESS_KEY_ID"),
    "secret_access_key": os.environ.pop("AWS_SECRET_ACCESS_KEY"),
    "session_token": os.environ.pop("AWS_SESSION_TOKEN"),
    "region": os.environ.pop("AWS_DEFAULT_REGION"),
    "athena_workgroup": os.environ["WORKGROUP"],
}
os.environ.pop("AWS_REGION", None)
*setup, query = lines.split("wr.athena.")
exec(compile("".join(setup), "api.md", "exec"))
assert eval("wr.athena." + query.strip()).shape == (5, 4)
