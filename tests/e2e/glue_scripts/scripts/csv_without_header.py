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

lines = glueContext.create_dynamic_frame_from_options(
    connection_type="s3",
    connection_options={"paths": [args["SOURCE"] + "/export/"]},
    format="csv",
    format_options={"separator": "|", "quoteChar": -1},
)
renamed = lines.rename_field("col0", "sku").rename_field("col1", "label").rename_field("col2", "stock")
glueContext.write_dynamic_frame.from_options(
    frame=renamed,
    connection_type="s3",
    connection_options={"path": args["TARGET"]},
    format="json",
)
job.commit()
