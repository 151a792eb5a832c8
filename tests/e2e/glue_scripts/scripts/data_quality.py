import sys

from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job
from awsgluedq.transforms import EvaluateDataQuality

args = getResolvedOptions(sys.argv, ["JOB_NAME", "SOURCE", "TARGET"])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

orders = glueContext.create_dynamic_frame.from_options(
    format_options={"withHeader": True},
    connection_type="s3",
    format="csv",
    connection_options={"paths": [args["SOURCE"] + "/orders/"]},
)

ruleset = """
    Rules = [
        RowCount > 3,
        IsComplete "order_id",
        IsUnique "order_id",
        ColumnValues "region" in ["N", "S"],
        ColumnExists "amount"
    ]
"""
quality = EvaluateDataQuality().process_rows(
    frame=orders,
    ruleset=ruleset,
    publishing_options={
        "dataQualityEvaluationContext": "orders",
        "enableDataQualityCloudWatchMetrics": False,
        "enableDataQualityResultsPublishing": False,
    },
    additional_options={"performanceTuning.caching": "CACHE_NOTHING"},
)
outcomes = SelectFromCollection.apply(dfc=quality, key="ruleOutcomes", transformation_ctx="outcomes")
outcomes.toDF().select("Rule", "Outcome").coalesce(1).write.mode("overwrite").json(args["TARGET"])
job.commit()
