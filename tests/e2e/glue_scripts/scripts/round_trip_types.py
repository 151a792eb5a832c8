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

from awsglue.dynamicframe import DynamicFrame
from pyspark.sql import functions as F

df = spark.read.parquet(args["SOURCE"] + "/types/")
frame = DynamicFrame.fromDF(df, glueContext, "frame")
assert frame.toDF().schema == df.schema, frame.toDF().schema
kept = frame.drop_fields(["unused"]).rename_field("price", "unit_price")
merged = kept.toDF().withColumn("total", F.col("unit_price") * F.col("pieces"))
kept.printSchema()
glueContext.write_dynamic_frame.from_options(
    frame=DynamicFrame.fromDF(merged, glueContext, "merged"),
    connection_type="s3",
    connection_options={"path": args["TARGET"]},
    format="parquet",
)
job.commit()
