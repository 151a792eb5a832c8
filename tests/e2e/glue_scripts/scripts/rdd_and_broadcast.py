import sys

from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import Row

args = getResolvedOptions(sys.argv, ["SOURCE", "TARGET", "day-part"])
sc = SparkContext.getOrCreate()
glueContext = GlueContext(sc)
spark = glueContext.spark_session

levels = sc.broadcast({"E": "error", "W": "warning"})
skipped = sc.accumulator(0)


def parse(line):
    parts = line.split(" ", 2)
    if len(parts) < 3:
        skipped.add(1)
        return []
    return [Row(level=levels.value.get(parts[0], "other"), minutes=int(parts[1]), text=parts[2])]


rows = sc.textFile(args["SOURCE"] + "/logs/*.log").flatMap(parse)
counts = rows.map(lambda row: (row.level, row.minutes)).reduceByKey(lambda a, b: a + b).collectAsMap()
print("minutes:", sorted(counts.items()), "skipped:", skipped.value, "part:", args["day_part"])
frame = DynamicFrame.fromDF(rows.toDF(), glueContext, "rows")
frame.show(2)
frame.toDF().write.option("maxRecordsPerFile", 2).mode("overwrite").parquet(args["TARGET"])
sys.exit(0)
