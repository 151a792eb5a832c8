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

from pyspark.sql.functions import col, explode_outer, from_unixtime, size

events = spark.read.json(args["SOURCE"] + "/events/")
tags = events.select("eventId", explode_outer("tags").alias("tag"), size("tags").alias("tags"))
by_user = events.groupBy("userId").pivot("type", ["view", "buy"]).count().na.fill(0)
hours = events.withColumn("hour", from_unixtime(col("ts"), "HH")).groupBy("hour").count()

tags.write.mode("overwrite").parquet(args["TARGET"] + "/tags")
by_user.write.mode("overwrite").parquet(args["TARGET"] + "/by_user")
hours.write.mode("overwrite").parquet(args["TARGET"] + "/hours")
job.commit()
