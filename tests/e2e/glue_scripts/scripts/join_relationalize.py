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

players = glueContext.create_dynamic_frame.from_catalog(database=args["DATABASE"], table_name="players")
seasons = glueContext.create_dynamic_frame.from_catalog(database=args["DATABASE"], table_name="seasons")
clubs = glueContext.create_dynamic_frame.from_catalog(database=args["DATABASE"], table_name="clubs")

clubs = clubs.rename_field("id", "club_id").rename_field("name", "club_name")
clubs.toDF().show()

history = Join.apply(clubs, Join.apply(players, seasons, "id", "player"), "club_id", "club").drop_fields(
    ["player", "club"]
)
print("Count: ", history.count())
history.printSchema()

collection = history.relationalize("hist_root", args["TARGET"] + "/temp/")
print(sorted(collection.keys()))

for name in collection.keys():
    glueContext.write_dynamic_frame.from_options(
        frame=collection.select(name),
        connection_type="s3",
        connection_options={"path": args["TARGET"] + "/" + name},
        format="parquet",
    )
job.commit()
