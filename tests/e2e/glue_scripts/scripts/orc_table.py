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

import boto3

events = glueContext.create_dynamic_frame.from_options(
    connection_type="s3", connection_options={"paths": [args["SOURCE"] + "/events/"]}, format="json"
)
location = args["TARGET"] + "/events_orc/"
glueContext.write_dynamic_frame.from_options(
    frame=events, connection_type="s3", connection_options={"path": location}, format="orc"
)
again = glueContext.create_dynamic_frame.from_options(
    connection_type="s3", connection_options={"paths": [location]}, format="orc"
)
print("read again:", again.count())
fields = {field.name: field.dataType.simpleString() for field in again.toDF().schema.fields}
hive = "org.apache.hadoop.hive.ql.io.orc."
boto3.client("glue").create_table(
    DatabaseName=args["DATABASE"],
    TableInput={
        "Name": "events_orc",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "orc"},
        "StorageDescriptor": {
            "Columns": [{"Name": name.lower(), "Type": kind} for name, kind in fields.items()],
            "Location": location,
            "InputFormat": hive + "OrcInputFormat",
            "OutputFormat": hive + "OrcOutputFormat",
            "SerdeInfo": {"SerializationLibrary": hive + "OrcSerde"},
        },
    },
)
job.commit()
