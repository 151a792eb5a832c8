"""The part of AWS's `awsglue` that scripts use, over plain Spark and boto3.

AWS publishes no release that runs outside Glue. What is not here raises, naming itself: a script must never
do something else on the laptop than in the cloud without saying so.
"""
