"""A part of the thousand races of `make races`: two at once, again and again, and each act has its effect once."""

import random

import pytest

from bench import races
from tests.cast import Cast


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("rules")
def test_races_leave_one_effect_each(cast: Cast) -> None:
    company = races.Company(
        township=cast.ganlin,
        neighbour=cast.changle,
        departments=(cast.scjg, cast.zrzy),
        reporter=cast.grid,
        desk=(cast.duty, cast.leader),
        neighbour_desk=cast.changle_duty,
        leader=cast.leader,
        liaisons={
            cast.scjg.pk: (cast.scjg_liaison, cast.scjg_leader),
            cast.zrzy.pk: (cast.zrzy_liaison, cast.zrzy_leader),
        },
        guidance=cast.zdb_officer,
    )
    result = races.run(company, 150, random.Random(3))
    assert result.wrong == []
    assert result.races >= 150
    assert len(result.won) > 15
