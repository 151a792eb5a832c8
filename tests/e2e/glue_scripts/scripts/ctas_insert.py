import sys

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["JOB_NAME", "SOURCE", "TARGET", "DATABASE"])
glueContext = GlueContext(SparkContext.getOrCreate())
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

database = args["DATABASE"]
orders = spark.read.option("header", True).csv(args["SOURCE"] + "/orders/")
orders.createOrReplaceTempView("staged")

spark.sql(f"DROP TABLE IF EXISTS {database}.order_totals")
spark.sql(
    f"""
    CREATE TABLE {database}.order_totals
    USING PARQUET
    LOCATION '{args["TARGET"]}/order_totals'
    AS SELECT customer_id, sum(cast(amount AS decimal(10,2))) AS total FROM staged
    WHERE status = 'shipped' GROUP BY customer_id
    """
)
spark.sql(f"INSERT INTO {database}.order_totals SELECT 'all', sum(cast(amount AS decimal(10,2))) FROM staged")

(
    orders.select("order_id", "status", "region")
    .write.mode("overwrite")
    .format("parquet")
    .partitionBy("region")
    .option("path", args["TARGET"] + "/orders_by_region")
    .saveAsTable(f"{database}.orders_by_region")
)
print("regions:", spark.sql(f"SHOW PARTITIONS {database}.orders_by_region").count())
job.commit()
