"""`python -m chatlib.cli` is `hubbub`."""

import sys

from chatlib.cli.main import main

sys.exit(main())
