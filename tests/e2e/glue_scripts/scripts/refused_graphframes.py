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

from graphframes import GraphFrame

vertices = spark.createDataFrame([("a",), ("b",)], ["id"])
edges = spark.createDataFrame([("a", "b")], ["src", "dst"])
GraphFrame(vertices, edges).inDegrees.show()
job.commit()
