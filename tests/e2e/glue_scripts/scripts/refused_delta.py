import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

args = getResolvedOptions(sys.argv, ["SOURCE", "TARGET"])
spark = SparkSession.builder.getOrCreate()
spark.read.json(args["SOURCE"] + "/events/").write.format("delta").mode("overwrite").save(args["TARGET"])
