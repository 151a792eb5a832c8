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

from pyspark.sql import functions as F

current = spark.read.json(args["SOURCE"] + "/dimension/")
updates = spark.read.json(args["SOURCE"] + "/updates/")
today = F.to_date(F.lit("2024-06-01"))

joined = current.alias("c").join(updates.alias("u"), "id", "full_outer")
changed = F.col("u.city").isNotNull() & (F.col("c.city").isNull() | (F.col("c.city") != F.col("u.city")))

closed = joined.filter(changed & F.col("c.city").isNotNull()).select(
    "id",
    F.col("c.city").alias("city"),
    F.to_date("c.valid_from").alias("valid_from"),
    today.alias("valid_to"),
)
opened = joined.filter(changed).select(
    "id", F.col("u.city").alias("city"), today.alias("valid_from"), F.lit(None).cast("date").alias("valid_to")
)
unchanged = joined.filter(~changed).select(
    "id",
    F.col("c.city").alias("city"),
    F.to_date("c.valid_from").alias("valid_from"),
    F.lit(None).cast("date").alias("valid_to"),
)
closed.unionByName(opened).unionByName(unchanged).write.mode("overwrite").parquet(args["TARGET"])
job.commit()
