"""The judge: deploys the package to an AWS emulator that this project did not write, and uses it over HTTPS."""

from __future__ import annotations

import json
import ssl
import sys
import time
import traceback

import httpx

from tests.judge import emulator
from tests.judge.account import Account
from tests.judge.journey import Journey
from tests.judge.steps import Steps


def main() -> int:
    """Run the judge. Return the exit code."""
    steps = Steps()
    with steps.step("emulator started"):
        pass
    with emulator.started() as running:
        account = Account(running, "terraglue")
        try:
            with steps.step("deployed"):
                pool, client = deploy(running, account)
            context = ssl.create_default_context(cafile=running.environ["AWS_CA_BUNDLE"])
            with httpx.Client(
                base_url=account.outputs["EndpointURL"], verify=context, proxy=running.environ["HTTPS_PROXY"], timeout=30
            ) as http:
                while http.get("health").status_code == 429:
                    time.sleep(1)
                tokens = {user: account.token(pool, client, user) for user in ("ana", "bob")}
                Journey(account, http, tokens, steps).run()
        except Exception:
            traceback.print_exc()
            print(account.logs(int(sys.argv[1])))
            print(running.log.read_text()[-int(sys.argv[2]):])
            return 1
        finally:
            print(running.proxy.refused)
            import shutil
            shutil.copy(running.log, "/tmp/judge/emulator.log")
            if len(sys.argv) > 3: open("/tmp/judge/logs.txt","w").write(account.logs(100000))
    return 0


def deploy(running, account):
    s3 = account.client("s3")
    s3.create_bucket(Bucket="code-bucket-1")
    package = emulator.ROOT / "build/package"
    t0=json.load(open(package/"sam.json"))
    s3.upload_file(package/"deployment.zip","code-bucket-1","d.zip")
    for r in t0["Resources"].values():
        if r["Type"]=="AWS::Serverless::Function": r["Properties"]["CodeUri"]="s3://code-bucket-1/d.zip"
    s3.put_object(Bucket="code-bucket-1",Key="t.json",Body=json.dumps(t0))
    cog=account.client("cognito-idp")
    pool=cog.create_user_pool(PoolName="x")["UserPool"]["Id"]
    cl=cog.create_user_pool_client(UserPoolId=pool,ClientName="c",ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"])["UserPoolClient"]["ClientId"]
    cf=account.client("cloudformation")
    cf.create_stack(StackName="terraglue",TemplateURL="https://code-bucket-1.s3.us-east-1.amazonaws.com/t.json",Capabilities=["CAPABILITY_NAMED_IAM","CAPABILITY_AUTO_EXPAND"],Parameters=[{"ParameterKey":"Issuer","ParameterValue":f"https://cognito-idp.us-east-1.amazonaws.com/{pool}"},{"ParameterKey":"Audience","ParameterValue":cl}])
    while (s:=cf.describe_stacks(StackName="terraglue")["Stacks"][0])["StackStatus"].endswith("PROGRESS"): time.sleep(.2)
    from glue_assets import release
    release.publish(release.build(emulator.ROOT, emulator.ROOT/"data", "1.0.0", lint=False), s3, account.outputs["AssetsBucketName"])
    return pool, cl


sys.exit(main())
