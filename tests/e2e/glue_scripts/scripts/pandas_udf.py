import sys

import pandas as pd
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf

args = getResolvedOptions(sys.argv, ["SOURCE", "TARGET"])
spark = SparkSession.builder.getOrCreate()


@pandas_udf("double")
def zscore(values: pd.Series) -> pd.Series:
    return ((values - 10.0) / 2.0).round(3)


def regional(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"region": [frame["region"].iloc[0]], "median": [frame["amount"].median()]})


orders = spark.read.csv(args["SOURCE"] + "/orders/", header=True, inferSchema=True)
orders.select("order_id", zscore(orders["amount"]).alias("z")).write.mode("overwrite").parquet(
    args["TARGET"] + "/z"
)
orders.groupBy("region").applyInPandas(regional, "region string, median double").write.mode(
    "overwrite"
).parquet(args["TARGET"] + "/medians")
print(orders.toPandas().shape)
