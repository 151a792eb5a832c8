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

march = glueContext.create_dynamic_frame.from_catalog(
    database=args["DATABASE"],
    table_name="sales",
    push_down_predicate="(year == '2024' and month in ('02', '03'))",
)
south = glueContext.create_dynamic_frame.from_catalog(
    database=args["DATABASE"],
    table_name="sales",
    additional_options={"catalogPartitionPredicate": "year='2023'"},
)
print("2024:", march.count(), "2023:", south.count())
for name, frame in (("march", march), ("south", south)):
    glueContext.write_dynamic_frame.from_options(
        frame=frame,
        connection_type="s3",
        connection_options={"path": args["TARGET"] + "/" + name},
        format="parquet",
    )
job.commit()
