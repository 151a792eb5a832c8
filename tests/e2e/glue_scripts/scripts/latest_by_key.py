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
from pyspark.sql import Window
from pyspark.sql.functions import col, desc, row_number, udf
from pyspark.sql.types import StringType


@udf(returnType=StringType())
def initials(name):
    return "".join(word[0] for word in name.split() if word[0].isalpha()) if name else None


df = spark.read.csv(args["SOURCE"] + "/customers/", header=True)
window = Window.partitionBy("id").orderBy(desc("updated"))
latest = (
    df.withColumn("rank", row_number().over(window))
    .filter(col("rank") == 1)
    .drop("rank")
    .withColumn("initials", initials(col("name")))
)
glueContext.write_dynamic_frame_from_options(
    frame=DynamicFrame.fromDF(latest, glueContext, "latest"),
    connection_type="s3",
    connection_options={"path": args["TARGET"]},
    format="parquet",
)
job.commit()
