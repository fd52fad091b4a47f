"""The README's way to many machines: its commands, as they stand, over a real server in the place of its example's."""

import re
from pathlib import Path

from postgres_server import Server
from prepared import run
from test_readme import TEXT

EXAMPLE = "postgresql://agent@db.example.org/work?sslmode=verify-full"


def test_what_leads_to_many_machines_works_as_written(
    postgres: Server, own_database: str, tmp_path: Path, home: Path
) -> None:
    section = TEXT.partition("\n## Many machines\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"(?ms)^```shell\n(.*?)^```$", section)
    assert len(blocks) == 2
    for role in ("agents", "dashboards"):
        if postgres.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'") != "1":
            postgres.sql(f"CREATE ROLE {role}")
    project = tmp_path / "project"
    project.mkdir()
    assert run("milestone init here && milestone state save here '{\"step\": 1}'", project, home).returncode == 0
    for block in blocks:
        assert EXAMPLE in block
        script = block.replace(EXAMPLE, postgres.local(own_database))
        done = run(f"set -eo pipefail\n{script}", project, home)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    told = run("milestone state load here", project, home)
    assert told.returncode == 8
    assert "has moved" in told.stderr
    assert "team-b" in told.stderr
