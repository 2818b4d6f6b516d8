"""The site's settings with static files that `collectstatic` has put into the folder of a test."""

import os
from pathlib import Path

from nexusmeme.settings import *  # noqa: F403

STATIC_ROOT = Path(os.environ["STATIC_ROOT_OF_THE_TEST"])
WHITENOISE_USE_FINDERS = False
