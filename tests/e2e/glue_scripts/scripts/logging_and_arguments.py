import sys
import logging

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

sc = SparkContext.getOrCreate()
glueContext = GlueContext(sc)
logger = glueContext.get_logger()
spark = glueContext.spark_session

MSG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
logging.basicConfig(format=MSG_FORMAT, datefmt="%Y-%m-%d %H:%M:%S")
plain = logging.getLogger("etl")
plain.setLevel(logging.INFO)

names = ["JOB_NAME", "TARGET"]
if "--region" in sys.argv:
    names.append("region")
if "--limit" in sys.argv:
    names.append("limit")
args = getResolvedOptions(sys.argv, names)
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

logger.info("info from the Glue logger")
logger.warn("warning from the Glue logger")
plain.info("info from Python's logging")
print(f"region={args.get('region', 'all')} limit={args.get('limit', 'none')}")
rows = [(name, str(value)) for name, value in args.items() if name in ("region", "limit")]
spark.createDataFrame(rows, "name string, value string").write.mode("overwrite").json(args["TARGET"])
job.commit()
