import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

args = getResolvedOptions(sys.argv, ["JOB_NAME", "TARGET", "DATABASE"])
spark = SparkSession.builder.appName(args["JOB_NAME"]).enableHiveSupport().getOrCreate()

assert spark.catalog.databaseExists(args["DATABASE"])
spark.sql(f"USE {args['DATABASE']}")
tables = [row["tableName"] for row in spark.sql("SHOW TABLES").collect()]
print("has visits:", "visits" in tables, "has pages:", "pages" in tables)

report = spark.sql(
    """
    SELECT p.title, v.day, count(*) AS visits, max(v.seconds) AS longest
    FROM visits v
    LEFT JOIN pages p ON p.path = v.path
    WHERE v.day >= '2024-01-02'
    GROUP BY p.title, v.day
    """
)
report.write.mode("overwrite").parquet(args["TARGET"])
print("pages:", spark.table(f"{args['DATABASE']}.pages").count())
