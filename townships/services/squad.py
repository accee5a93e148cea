from typing import Any

from django.db import transaction

from records.models import Stage
from records.services import Refused, lock, record
from townships.models import SquadMember


@transaction.atomic
def set_status(member: SquadMember, *, status: str, note: str, by: Any) -> None:
    """在岗, 外出 or 休假, with a few words such as when somebody is back; the same again writes nothing."""
    lock(member)
    if status not in SquadMember.ONE_TAP or member.status == SquadMember.Status.LEFT:
        raise Refused(member, "离队由系统管理员办理，这里只能改在岗、外出和休假。")
    if status == SquadMember.Status.ON:
        note = ""  # what kept them away is over
    if (member.status, member.status_note) == (status, note):
        return
    member.status, member.status_note = status, note
    member.save(update_fields=["status", "status_note"])
    what = f"{member.get_slot_display()}{member.get_position_display()}改为{member.get_status_display()}"
    record(member, "squad_status", by=by, what=what, stage=Stage.DISPATCH)
