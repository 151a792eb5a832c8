import json
import sys
from urllib.parse import urlparse

import boto3
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

args = getResolvedOptions(sys.argv, ["SOURCE", "TARGET"])
spark = SparkSession.builder.getOrCreate()
s3 = boto3.client("s3")
source, target = urlparse(args["SOURCE"]), urlparse(args["TARGET"])

# Concatenate the small files with boto3, then read the result with Spark.
prefix = source.path.lstrip("/") + "/small/"
keys = [item["Key"] for item in s3.list_objects_v2(Bucket=source.netloc, Prefix=prefix)["Contents"]]
records = []
for key in sorted(keys):
    body = s3.get_object(Bucket=source.netloc, Key=key)["Body"].read()
    records.append(json.loads(body))
folder = target.path.lstrip("/")
s3.put_object(
    Bucket=target.netloc,
    Key=f"{folder}/staged/all.json",
    Body="\n".join(json.dumps(record) for record in records).encode(),
)
df = spark.read.json(f"{args['TARGET']}/staged/")
print("staged:", df.count())
df.groupBy("kind").agg(F.sum("n").alias("n")).coalesce(1).write.mode("overwrite").csv(
    f"{args['TARGET']}/tmp_report", header=True
)

# Give Spark's file a name.
listed = s3.list_objects_v2(Bucket=target.netloc, Prefix=f"{folder}/tmp_report/part-")["Contents"]
[part] = [item["Key"] for item in listed]
s3.copy_object(
    Bucket=target.netloc, Key=f"{folder}/report.csv", CopySource={"Bucket": target.netloc, "Key": part}
)
for item in s3.list_objects_v2(Bucket=target.netloc, Prefix=f"{folder}/tmp_report/")["Contents"]:
    s3.delete_object(Bucket=target.netloc, Key=item["Key"])
