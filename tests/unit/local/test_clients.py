"""Isolation of the local AWS emulator from a developer's own AWS configuration."""

import os

from local.aws import clients


def test_the_developers_aws_configuration_is_removed() -> None:
    environ = {
        "PATH": "/bin",
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com",
        "no_proxy": "intranet",
    }
    clients.forget_real_aws(environ)
    assert environ == {
        "PATH": "/bin",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "intranet,127.0.0.1,localhost",
    }
