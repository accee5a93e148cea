"""The launcher of `make run`, whose children count as stable after two seconds: a kill every second is no crash loop."""

import sys

from portal import launcher, supervisor

if __name__ == "__main__":
    supervisor.STABLE = 2.0
    sys.exit(launcher.main())
