from records.models.attachment import Attachment
from records.models.entry import Entry, Stage
from records.models.job import JobRun
from records.models.number import Serial

__all__ = ["Attachment", "Entry", "JobRun", "Serial", "Stage"]
