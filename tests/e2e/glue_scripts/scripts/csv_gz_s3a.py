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

frame = glueContext.create_dynamic_frame.from_options(
    connection_type="s3",
    connection_options={"paths": [args["SOURCE"] + "/packed/"]},
    format="csv",
    format_options={"withHeader": True},
)
by_spark = spark.read.csv(args["SOURCE"].replace("s3://", "s3a://") + "/packed/*.csv.gz", header=True)
assert frame.count() == by_spark.count(), (frame.count(), by_spark.count())
sink = {"path": args["TARGET"], "compression": "gzip"}
glueContext.write_dynamic_frame.from_options(
    frame=frame, connection_type="s3", connection_options=sink, format="csv"
)
job.commit()
