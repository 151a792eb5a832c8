import sys

from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ["JOB_NAME", "SOURCE", "TARGET"])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

from awsglue.dynamicframe import DynamicFrame

old = args["TARGET"] + "/report/"
first = spark.createDataFrame([(1, "old"), (2, "old")], ["id", "state"])
first.write.mode("append").parquet(old)

glueContext.purge_s3_path(old, options={"retentionPeriod": 0, "excludeStorageClasses": ["GLACIER"]})
df = spark.read.csv(args["SOURCE"] + "/orders/", header=True).selectExpr(
    "cast(order_id as int) id", "status state"
)
glueContext.write_dynamic_frame.from_options(
    frame=DynamicFrame.fromDF(df, glueContext, "df"),
    connection_type="s3",
    connection_options={"path": old},
    format="parquet",
)
job.commit()
