import sys

from awsglue.context import GlueContext
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["SOURCE", "TARGET", "DATABASE"])
glueContext = GlueContext(SparkContext.getOrCreate())
spark = glueContext.spark_session
spark.conf.set("hive.exec.dynamic.partition", "true")
spark.conf.set("hive.exec.dynamic.partition.mode", "nonstrict")
table = f"{args['DATABASE']}.daily_orders"

spark.sql(
    f"""
    CREATE EXTERNAL TABLE IF NOT EXISTS {table} (id int, amount decimal(10,2))
    PARTITIONED BY (region string)
    STORED AS PARQUET
    LOCATION '{args["TARGET"]}/daily_orders'
    """
)
spark.read.option("header", True).csv(args["SOURCE"] + "/orders/").createOrReplaceTempView("orders")
spark.sql(
    f"""
    INSERT OVERWRITE TABLE {table} PARTITION (region)
    SELECT cast(order_id AS int), cast(amount AS decimal(10,2)), region FROM orders WHERE region <> 'W'
    """
)
spark.sql("SELECT 100 AS id, cast(1 AS decimal(10,2)) AS amount").write.parquet(
    args["TARGET"] + "/daily_orders/region=X"
)
spark.sql(f"ALTER TABLE {table} ADD IF NOT EXISTS PARTITION (region='X')")
names = [row[0] for row in spark.sql(f"SHOW PARTITIONS {table}").collect()]
print("partitions:", sorted(names))
print("listed:", "daily_orders" in [found.name for found in spark.catalog.listTables(args["DATABASE"])])
print("rows:", spark.table(table).count())
