from records.models.access import Access
from records.models.attachment import Attachment
from records.models.entry import Entry, Stage
from records.models.job import Job
from records.models.link import PublicLink
from records.models.number import Serial
from records.models.retention import ClearedFile, RetentionList, RetentionRule

__all__ = [
    "Access",
    "Attachment",
    "ClearedFile",
    "Entry",
    "Job",
    "PublicLink",
    "RetentionList",
    "RetentionRule",
    "Serial",
    "Stage",
]
