import sys

from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.dynamicframe import DynamicFrame

args = getResolvedOptions(sys.argv, ["JOB_NAME", "SOURCE", "TARGET"])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

events = glueContext.create_dynamic_frame.from_options(
    connection_type="s3", connection_options={"paths": [args["SOURCE"] + "/events/"]}, format="json"
)
chosen = events.select_fields(["eventId", "userId"])
sampled = Spigot.apply(frame=chosen, path=args["TARGET"] + "/spigot", options={"topk": 2})
distinct = DynamicFrame.fromDF(sampled.toDF().dropDuplicates(["userId"]), glueContext, "DropDuplicates_node1")
print("users:", distinct.count())
counts = sampled.toDF().groupBy("userId").count()
counts.write.mode("overwrite").parquet(args["TARGET"] + "/counts")
job.commit()
