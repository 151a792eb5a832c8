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

from datetime import datetime

events = glueContext.create_dynamic_frame.from_options(
    connection_type="s3", connection_options={"paths": [args["SOURCE"] + "/events/"]}, format="json"
)


def enrich(record):
    record["day"] = datetime.utcfromtimestamp(record["ts"]).strftime("%Y-%m-%d")
    record["first_tag"] = record["tags"][0] if record["tags"] else "none"
    del record["tags"]
    return record


views = Filter.apply(frame=events, f=lambda x: x["type"] == "view" and x["userId"] in ["u1", "u2", "u3"])
enriched = Map.apply(frame=views, f=enrich, transformation_ctx="enriched")
print("errors:", enriched.errorsCount())
glueContext.write_dynamic_frame.from_options(
    frame=enriched, connection_type="s3", connection_options={"path": args["TARGET"]}, format="json"
)
job.commit()
