"""Debian's awscli against a Lambda API on loopback. A call takes most of a second: use few."""
import io
import json
import os
import subprocess
import zipfile

AWS = "/usr/bin/aws"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
               "AWS_PAGER": "", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def package_of(files):
    """The bytes of a zip with these files, by name."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def package(code, name="app.py"):
    """The bytes of a zip with one file."""
    return package_of({name: code})


class AwsCli:
    """`aws lambda …` for the API at `url`."""

    def __init__(self, url):
        self.url = url

    def run(self, *arguments):
        return subprocess.run([AWS, "--endpoint-url", self.url, "--region", "us-east-1", "--output", "json", "lambda",
                               *map(str, arguments)], env={**os.environ, **ENVIRONMENT}, capture_output=True,
                              text=True, timeout=60)

    def call(self, *arguments):
        """What a call that must succeed answers; None if it answers nothing."""
        done = self.run(*arguments)
        if done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, *arguments):
        """The complaint of a call that must fail."""
        done = self.run(*arguments)
        if done.returncode == 0:
            raise AssertionError(f"{arguments} was accepted: {done.stdout}")
        return done.stderr.strip()
