import sys

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["JOB_NAME", "SOURCE", "TARGET"])
glueContext = GlueContext(SparkContext.getOrCreate())
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

frame = glueContext.create_dynamic_frame.from_options(
    "s3", {"paths": [args["SOURCE"] + "/export/"]}, "json", {"multiline": True}
)
big = frame.filter(f=lambda row: row["amount"] > 5, transformation_ctx="big")
named = big.map(f=lambda row: {"id": row["id"], "label": f"{row['id']}-{row['who']['name']}"})
picked = named.select_fields(["id", "label"])
print("kept:", picked.count(), "schema:", [field.name for field in picked.schema()])
glueContext.write_dynamic_frame.from_options(
    picked, "s3", {"path": args["TARGET"]}, "csv", {"writeHeader": True}
)
job.commit()
