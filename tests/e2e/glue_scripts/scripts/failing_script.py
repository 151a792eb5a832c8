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


def check(df):
    if df.filter("amount < 0").count() == 0:
        raise ValueError("no negative amounts: expected the refunds of the day")


orders = spark.read.csv(args["SOURCE"] + "/orders/", header=True)
check(orders)
job.commit()
