import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue import DynamicFrame


def sparkSqlQuery(glueContext, query, mapping, transformation_ctx) -> DynamicFrame:
    for alias, frame in mapping.items():
        frame.toDF().createOrReplaceTempView(alias)
    result = spark.sql(query)
    return DynamicFrame.fromDF(result, glueContext, transformation_ctx)


args = getResolvedOptions(sys.argv, ["JOB_NAME", "SOURCE", "TARGET"])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

csv_options = {"quoteChar": '"', "withHeader": True, "separator": ","}
Orders_node1 = glueContext.create_dynamic_frame.from_options(
    format_options=csv_options,
    connection_type="s3",
    format="csv",
    connection_options={"paths": [args["SOURCE"] + "/orders/"]},
    transformation_ctx="Orders_node1",
)
Customers_node2 = glueContext.create_dynamic_frame.from_options(
    format_options=csv_options,
    connection_type="s3",
    format="csv",
    connection_options={"paths": [args["SOURCE"] + "/customers/"]},
    transformation_ctx="Customers_node2",
)
SqlQuery0 = """
select c.city, count(distinct o.order_id) as orders, sum(cast(o.amount as decimal(10,2))) as amount
from orders o join customers c on o.customer_id = c.id
group by c.city
"""
SQLQuery_node3 = sparkSqlQuery(
    glueContext,
    query=SqlQuery0,
    mapping={"orders": Orders_node1, "customers": Customers_node2},
    transformation_ctx="SQLQuery_node3",
)
glueContext.write_dynamic_frame.from_options(
    frame=SQLQuery_node3.coalesce(1),
    connection_type="s3",
    format="json",
    connection_options={"path": args["TARGET"], "partitionKeys": []},
    transformation_ctx="AmazonS3_node4",
)
job.commit()
