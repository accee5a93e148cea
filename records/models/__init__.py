from records.models.access import Access
from records.models.attachment import Attachment
from records.models.entry import Entry, Stage
from records.models.job import Job
from records.models.job_run import JobRun
from records.models.link import PublicLink
from records.models.number import Serial
from records.models.retention import ClearedFile, RetentionList, RetentionRule
from records.models.seal import Reseal

__all__ = [
    "Access",
    "Attachment",
    "ClearedFile",
    "Entry",
    "Job",
    "JobRun",
    "PublicLink",
    "Reseal",
    "RetentionList",
    "RetentionRule",
    "Serial",
    "Stage",
]
