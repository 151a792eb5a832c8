import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession
from pyspark.sql.types import LongType, StringType, StructField, StructType

args = getResolvedOptions(sys.argv, ["SOURCE", "TARGET"])
spark = SparkSession.builder.getOrCreate()
schema = StructType(
    [StructField("eventId", StringType()), StructField("userId", StringType()), StructField("ts", LongType())]
)

query = (
    spark.readStream.schema(schema)
    .json(args["SOURCE"] + "/events/")
    .writeStream.format("parquet")
    .option("checkpointLocation", args["TARGET"] + "/checkpoint")
    .option("path", args["TARGET"] + "/events")
    .trigger(availableNow=True)
    .start()
)
query.awaitTermination()
print("streamed:", spark.read.parquet(args["TARGET"] + "/events").count())
