import sys

from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ["JOB_NAME", "SOURCE", "TARGET", "DATABASE"])
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
)
mapped = orders.apply_mapping(
    [
        ("order_id", "string", "id", "int"),
        ("status", "string", "state", "string"),
        ("region", "string", "region", "string"),
    ]
)
glueContext.write_dynamic_frame.from_catalog(
    frame=mapped,
    database=args["DATABASE"],
    table_name="order_states",
    additional_options={"partitionKeys": ["region"], "enableUpdateCatalog": True},
)
job.commit()
