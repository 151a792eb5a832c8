import sys

from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ["JOB_NAME", "SOURCE", "TARGET", "DATABASE"])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

from pyspark.sql.functions import upper

df = glueContext.create_data_frame.from_catalog(database=args["DATABASE"], table_name="cities")
raw = glueContext.create_data_frame.from_options(
    connection_type="s3",
    connection_options={"paths": [args["SOURCE"] + "/orders/"]},
    format="csv",
    format_options={"withHeader": True},
)
result = df.withColumn("name", upper("name")).crossJoin(raw.groupBy().count())
glueContext.write_data_frame.from_options(
    frame=result,
    connection_type="s3",
    connection_options={"path": args["TARGET"]},
    format="parquet",
)
job.commit()
