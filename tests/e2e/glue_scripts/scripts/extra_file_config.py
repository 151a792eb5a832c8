import json
import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

args = getResolvedOptions(sys.argv, ["SOURCE", "TARGET"])
spark = SparkSession.builder.getOrCreate()

with open("mapping.json") as config:
    mapping = json.load(config)
print("mapping:", sorted(mapping))
df = spark.read.csv(args["SOURCE"] + "/orders/", header=True)
df.select([df[old].alias(new) for old, new in mapping.items()]).write.mode("overwrite").parquet(
    args["TARGET"]
)
