import sys

from awsglue.context import GlueContext
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

args = getResolvedOptions(sys.argv, ["SOURCE", "TARGET"])
catalog = "spark.sql.catalog.glue_catalog"
spark = (
    SparkSession.builder.config(catalog, "org.apache.iceberg.spark.SparkCatalog")
    .config(f"{catalog}.warehouse", args["TARGET"])
    .config(f"{catalog}.catalog-impl", "org.apache.iceberg.aws.glue.GlueCatalog")
    .config(f"{catalog}.io-impl", "org.apache.iceberg.aws.s3.S3FileIO")
    .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
    .getOrCreate()
)
glueContext = GlueContext(spark.sparkContext)
df = spark.read.json(args["SOURCE"] + "/events/")
df.createOrReplaceTempView("events")
spark.sql("CREATE TABLE glue_catalog.db.events USING iceberg AS SELECT * FROM events")
