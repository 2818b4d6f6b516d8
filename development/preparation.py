"""What must be right before anything starts: a configuration that can work, a database that is up to date."""

import importlib
import sys

from django.core.management import call_command


def main() -> int:
    importlib.import_module("nexusmeme.wsgi")  # ends this process with one line per problem
    call_command("migrate", verbosity=0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
