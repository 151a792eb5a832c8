import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

args = getResolvedOptions(sys.argv, ["JOB_NAME"])
spark = SparkSession.builder.appName(args["JOB_NAME"]).enableHiveSupport().getOrCreate()
for row in spark.sql("SHOW DATABASES").collect():
    print(row[0])
