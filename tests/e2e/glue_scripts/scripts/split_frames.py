import sys

from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ["JOB_NAME", "SOURCE", "TARGET"])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

orders = glueContext.create_dynamic_frame.from_options(
    connection_type="s3",
    connection_options={"paths": [args["SOURCE"] + "/orders/"]},
    format="csv",
    format_options={"withHeader": True},
).apply_mapping(
    [
        ("order_id", "string", "order_id", "long"),
        ("amount", "string", "amount", "double"),
        ("status", "string", "status", "string"),
        ("region", "string", "region", "string"),
    ]
)
by_amount = SplitRows.apply(
    frame=orders, comparison_dict={"amount": {">": 9.0, "<": 50.0}}, name1="medium", name2="rest"
)
by_field = SplitFields.apply(frame=orders, paths=["order_id", "region"], name1="where", name2="what")
print(sorted(by_amount.keys()), sorted(by_field.keys()))

for name, frame in (
    ("medium", by_amount["medium"]),
    ("rest", by_amount["rest"]),
    ("where", SelectFromCollection.apply(dfc=by_field, key="where")),
    ("what", by_field.select("what")),
):
    glueContext.write_dynamic_frame.from_options(
        frame=frame,
        connection_type="s3",
        connection_options={"path": f"{args['TARGET']}/{name}"},
        format="parquet",
    )
job.commit()
