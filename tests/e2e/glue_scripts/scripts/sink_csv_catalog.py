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

orders = glueContext.create_dynamic_frame.from_options(
    connection_type="s3",
    connection_options={"paths": [args["SOURCE"] + "/orders/"]},
    format="csv",
    format_options={"withHeader": True},
)
chosen = SelectFields.apply(frame=orders, paths=["order_id", "status", "region"])
sink = glueContext.getSink(
    connection_type="s3",
    path=args["TARGET"] + "/orders/",
    enableUpdateCatalog=True,
    updateBehavior="UPDATE_IN_DATABASE",
    partitionKeys=["region"],
)
sink.setFormat("csv")
sink.setCatalogInfo(catalogDatabase=args["DATABASE"], catalogTableName="orders_as_csv")
sink.writeFrame(chosen)
job.commit()
