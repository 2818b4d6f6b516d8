"""What must be right before anything starts: a configuration that can work, a database that is up to date."""

import fcntl
import importlib
import sys

from django.core.management import call_command

from development.stack_file import RUN_FOLDER


def main() -> int:
    importlib.import_module("nexusmeme.wsgi")  # ends this process with one line per problem
    RUN_FOLDER.mkdir(exist_ok=True)
    with (RUN_FOLDER / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two starts at once in one checkout would create the same table twice
        call_command("migrate", verbosity=0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
