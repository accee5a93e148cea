"""What may go wrong on the way out. What is none of these, and not known to the channel, is tried again."""


class NotAllowed(Exception):  # noqa: N818 - it is an answer, not a fault
    """The receiver or the host is not on the list of those that this portal may reach."""


class Refused(Exception):  # noqa: N818
    """Another try would end the same."""


class Busy(Exception):  # noqa: N818
    """Not now, for this receiver; others may be reached."""


class Away(Exception):  # noqa: N818
    """The other side does not answer, or answers that it cannot: the next message would fare the same."""
