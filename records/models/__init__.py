from records.models.attachment import Attachment
from records.models.entry import Entry, Stage
from records.models.number import Serial
from records.models.run import TaskRun
from records.models.seal import Reseal

__all__ = ["Attachment", "Entry", "Reseal", "Serial", "Stage", "TaskRun"]
