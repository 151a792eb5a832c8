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

events = glueContext.create_dynamic_frame.from_options(
    connection_type="s3",
    connection_options={"paths": [args["SOURCE"] + "/events/"]},
    format="json",
    transformation_ctx="events",
)
mapped = ApplyMapping.apply(
    frame=events,
    mappings=[
        ("eventId", "string", "event_id", "string"),
        ("userId", "string", "user_id", "string"),
        ("ts", "int", "ts", "bigint"),
        ("type", "string", "type", "string"),
    ],
)
sink = glueContext.getSink(
    path=args["TARGET"] + "/events_by_type/",
    connection_type="s3",
    updateBehavior="UPDATE_IN_DATABASE",
    partitionKeys=["type"],
    compression="snappy",
    enableUpdateCatalog=True,
    transformation_ctx="sink",
)
sink.setCatalogInfo(catalogDatabase=args["DATABASE"], catalogTableName="events_by_type")
sink.setFormat("glueparquet")
sink.writeFrame(mapped)
job.commit()
