import csv
import gzip
import hashlib
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import boto3
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

args = getResolvedOptions(sys.argv, ["SOURCE", "TARGET"])
spark = SparkSession.builder.getOrCreate()
s3 = boto3.client("s3")
source_bucket, source = args["SOURCE"][len("s3://") :].split("/", 1)
target_bucket, target = args["TARGET"][len("s3://") :].split("/", 1)

folder = tempfile.mkdtemp()
local = os.path.join(folder, "orders.csv")
s3.download_file(source_bucket, f"{source}/orders/orders.csv", local)
with open(local, newline="") as stream:
    orders = list(csv.DictReader(stream))
packed = os.path.join("/tmp", f"hashed-{os.getpid()}.csv.gz")
with gzip.open(packed, "wt", newline="") as stream:
    writer = csv.writer(stream)
    writer.writerow(["order_id", "customer"])
    for order in orders:
        writer.writerow([order["order_id"], hashlib.sha256(order["customer_id"].encode()).hexdigest()[:8]])
s3.upload_file(packed, target_bucket, f"{target}/hashed/hashed.csv.gz")
os.remove(packed)

hashed = spark.read.csv(args["TARGET"] + "/hashed/", header=True).cache()


def write(kind):
    frame = hashed.select("order_id") if kind == "ids" else hashed.select("customer").distinct()
    frame.write.mode("overwrite").parquet(f"{args['TARGET']}/{kind}")
    return kind, frame.count()


with ThreadPoolExecutor(2) as pool:
    print("written:", sorted(pool.map(write, ["ids", "customers"])))
