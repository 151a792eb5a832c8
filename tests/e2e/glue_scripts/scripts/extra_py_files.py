import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession
from pyspark.sql.functions import col, udf
from shop import regions
from shop.regions import NAMES
from vat import with_vat

args = getResolvedOptions(sys.argv, ["SOURCE", "TARGET"])
spark = SparkSession.builder.getOrCreate()
gross = udf(lambda amount: with_vat(float(amount)), "double")
region = udf(regions.name)

df = spark.read.csv(args["SOURCE"] + "/orders/", header=True)
df.select("order_id", gross(col("amount")).alias("gross"), region("region").alias("region")).write.mode(
    "overwrite"
).parquet(args["TARGET"])
print("regions known:", len(NAMES))
