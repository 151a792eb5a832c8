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


def read(name):
    return glueContext.create_dynamic_frame.from_options(
        connection_type="s3", connection_options={"paths": [f"{args['SOURCE']}/{name}/"]}, format="json"
    )


current = read("current")
merged = current.mergeDynamicFrame(read("changes"), ["id"])
together = merged.union(read("extra"))
print("fields:", sorted(field.name for field in together.schema()))
print("rows:", together.count())
glueContext.write_dynamic_frame.from_options(
    frame=together.repartition(1),
    connection_type="s3",
    connection_options={"path": args["TARGET"]},
    format="json",
)
job.commit()
