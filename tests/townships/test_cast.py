from django.test import Client

from tests.cast import Cast, client_for


def test_cast_plays_its_posts(cast: Cast) -> None:
    assert cast.duty.acting.label == "甘霖镇·指挥室值班员"
    assert cast.zrzy_officer.acting.organ_id == cast.zrzy.pk
    assert cast.stranger.acting is None
    assert isinstance(client_for(cast.duty), Client)
