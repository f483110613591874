"""The command as it is, but that a worker counts as lost sooner: `python -m … 20 migrate …` waits for 20 s."""

import sys
from unittest.mock import patch

from weaviate_migration.cli import main
from weaviate_migration.runs import awaited_run, life_watch

if __name__ == "__main__":
    name, seconds = "LOST_SECONDS", float(sys.argv.pop(1))
    with patch.object(awaited_run, name, seconds), patch.object(life_watch, name, seconds):
        main()
