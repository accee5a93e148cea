"""What the logs leave out: the log is read by who may read no file. Imported by the settings, so without Django."""

import re
from collections.abc import MutableMapping
from typing import Any

# a database error says which row it refused, word by word, up to the next part of the traceback
DETAIL = re.compile(r"^DETAIL:.*?(?=^The above exception|^During handling|^Traceback |\Z)", re.MULTILINE | re.DOTALL)


def without_rows(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor, after `format_exc_info`. A library may log the error's own words as the event."""
    for name in ("exception", "event"):
        if isinstance(event.get(name), str):
            event[name] = DETAIL.sub("DETAIL: …\n", event[name])
    return event
