"""`publish`: makes a data folder the default data of a deployed stage, or one of its data sets."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.context import Context
from deploy.errors import DeploymentError
from deploy.requirements import ROOT
from glue_assets import published, release, report
from glue_assets.tables import DataError


def publish(context: Context, data: Path, data_set: str | None) -> None:
    """Publish a release of this checkout with a data folder to the stage's assets bucket."""
    stack = context.find_stack()
    bucket = stack.outputs.get("AssetsBucketName") if stack else None
    if bucket is None:
        stage = context.stage.argument
        raise DeploymentError(f"The stage has no assets bucket yet. Run `make deploy STAGE={stage}` first.")
    with TemporaryDirectory() as work:
        try:
            published.pointer(data_set)
            built = release.build(ROOT, data, release.project_version(ROOT), Path(work), lint=False)
        except DataError as error:
            raise DeploymentError(f"The data cannot be published:\n{error}") from error
        for line in report.decisions(built.tables):
            context.say(line)
        context.say(f"Uploading the release {built.id} to {bucket}.")
        owner = context.account.id
        release.upload(built, context.s3, bucket, owner)
        moved = published.point(context.s3, bucket, built.id, owner, data_set)
    name = f"the data set {data_set}" if data_set else "the newest release, for new environments"
    context.say(f"{built.id} {'is now' if moved else 'was already'} {name}")
