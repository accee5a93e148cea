from records.models.access import Access
from records.models.attachment import Attachment
from records.models.entry import Entry, Stage
from records.models.job import Job
from records.models.number import Serial

__all__ = ["Access", "Attachment", "Entry", "Job", "Serial", "Stage"]
