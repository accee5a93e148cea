"""One file a channel: how a letter leaves by it, and which of its failures are for good."""
