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

stream = glueContext.create_data_frame.from_options(
    connection_type="kinesis",
    connection_options={
        "streamARN": "arn:aws:kinesis:us-east-1:123456789012:stream/clicks",
        "classification": "json",
        "startingPosition": "TRIM_HORIZON",
        "inferSchema": "true",
    },
)
glueContext.forEachBatch(
    frame=stream,
    batch_function=lambda batch, batch_id: batch.write.mode("append").parquet(args["TARGET"]),
    options={"windowSize": "100 seconds", "checkpointLocation": args["TARGET"] + "/checkpoint"},
)
job.commit()
