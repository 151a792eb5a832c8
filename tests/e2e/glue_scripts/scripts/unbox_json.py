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

messages = glueContext.create_dynamic_frame.from_options(
    connection_type="s3", connection_options={"paths": [args["SOURCE"] + "/messages/"]}, format="json"
)
unboxed = Unbox.apply(frame=messages, path="payload", format="json")
unboxed.printSchema()
mapped = ApplyMapping.apply(
    frame=unboxed,
    mappings=[
        ("id", "string", "id", "string"),
        ("payload.user.name", "string", "name", "string"),
        ("payload.amount", "double", "amount", "double"),
    ],
)
glueContext.write_dynamic_frame.from_options(
    frame=mapped, connection_type="s3", connection_options={"path": args["TARGET"]}, format="parquet"
)
job.commit()
