"""What the docs say of other clients is what was measured."""

import subprocess
from pathlib import Path

TABLE = Path(__file__).parents[1] / "clients" / "table.js"


def test_table_of_the_docs_is_that_of_the_data() -> None:
    subprocess.run(["node", TABLE, "--check"], check=True)
