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

spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")

target = args["TARGET"] + "/daily"
spark.createDataFrame(
    [("a", 1, "2024-01-01"), ("b", 2, "2024-01-02"), ("c", 3, "2024-01-03")], ["id", "n", "day"]
).write.partitionBy("day").parquet(target)

corrections = spark.read.json(args["SOURCE"] + "/corrections/")
corrections.write.mode("overwrite").partitionBy("day").parquet(target)

days = sorted(str(row["day"]) for row in spark.read.parquet(target).select("day").distinct().collect())
print("days:", ",".join(days))
job.commit()
