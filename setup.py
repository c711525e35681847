"""Where setuptools builds: in a folder of its own, so that installing leaves the source as it is."""

from __future__ import annotations

import tempfile

from setuptools import setup

with tempfile.TemporaryDirectory(prefix="bitneck-build-") as place:
    setup(options={"build": {"build_base": place}, "egg_info": {"egg_base": place}})
