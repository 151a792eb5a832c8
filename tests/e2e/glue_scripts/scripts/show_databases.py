import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

args = getResolvedOptions(sys.argv, ["JOB_NAME", "DATABASE"])
spark = SparkSession.builder.appName(args["JOB_NAME"]).enableHiveSupport().getOrCreate()
own = args["DATABASE"].rpartition("_")[0]
listed = [row[0] for row in spark.sql("SHOW DATABASES").collect()]
if args["DATABASE"] in listed and all(name == "default" or name.startswith(own) for name in listed):
    print("databases: default and own only")
