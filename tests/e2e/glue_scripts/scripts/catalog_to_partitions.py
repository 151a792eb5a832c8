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

from awsglue.dynamicframe import DynamicFrame
from pyspark.sql.functions import col, month, to_timestamp, year

orders = glueContext.create_dynamic_frame.from_catalog(
    database=args["DATABASE"], table_name="orders_to_split"
)
df = orders.toDF()
df = (
    df.withColumn("ordered_at", to_timestamp("ordered_at"))
    .withColumn("year", year("ordered_at"))
    .withColumn("month", month("ordered_at"))
    .withColumn("amount", col("amount").cast("double"))
    .repartition("year", "month")
)
frame = DynamicFrame.fromDF(df, glueContext, "frame")
glueContext.write_dynamic_frame.from_options(
    frame=frame,
    connection_type="s3",
    connection_options={"path": args["TARGET"] + "/orders", "partitionKeys": ["year", "month"]},
    format="parquet",
)
job.commit()
