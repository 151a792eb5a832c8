import sys

import boto3
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

args = getResolvedOptions(sys.argv, ["BUCKET", "TARGET"])
spark = SparkSession.builder.getOrCreate()

bucket = boto3.resource("s3").Bucket(args["BUCKET"])
for name, text in (("a.csv", "id,n\n1,10\n2,20\n"), ("b.csv", "id,n\n3,30\n")):
    bucket.put_object(Key=name, Body=text.encode())

df = spark.read.option("header", "true").option("inferSchema", "true").csv(f"s3://{args['BUCKET']}/")
total = df.agg({"n": "sum"}).collect()[0][0]
print("total:", total)
df.write.mode("overwrite").parquet(args["TARGET"])

path = spark._jvm.org.apache.hadoop.fs.Path(f"s3://{args['BUCKET']}/")
found = path.getFileSystem(spark._jsc.hadoopConfiguration()).listStatus(path)
print("listed:", sorted(status.getPath().getName() for status in found))
bucket.objects.all().delete()
