import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession, functions as F, types as T

args = getResolvedOptions(sys.argv, ["SOURCE", "TARGET"])
spark = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
schema = T.StructType(
    [
        T.StructField("id", T.StringType()),
        T.StructField("contacts", T.ArrayType(T.MapType(T.StringType(), T.StringType()))),
    ]
)
df = spark.read.schema(schema).json(args["SOURCE"] + "/players/")
flat = df.select("id", F.posexplode("contacts").alias("position", "contact")).select(
    "id", "position", F.col("contact")["kind"].alias("kind"), F.element_at("contact", "value").alias("value")
)
flat.coalesce(1).write.mode("overwrite").option("compression", "gzip").json(args["TARGET"])
