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

logs = glueContext.create_dynamic_frame.from_options(
    connection_type="s3",
    connection_options={
        "paths": [args["SOURCE"] + "/logs"],
        "recurse": True,
        "exclusions": '["**.tmp", "**/archive/**"]',
        "groupFiles": "inPartition",
        "groupSize": "1048576",
    },
    format="json",
)
print("records:", logs.count())
logs.toDF().coalesce(1).write.mode("overwrite").json(args["TARGET"])
job.commit()
