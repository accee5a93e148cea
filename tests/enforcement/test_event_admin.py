"""Classes, limits and routes in the admin: changed by new rows, imported and exported; no files of the portal."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from enforcement.models import Category, Limit, RoutingRule
from enforcement.rules.deadlines import Step
from enforcement.services import dated
from enforcement.services.limit import steps_on
from enforcement.services.routing import propose_route
from records.models import Entry
from tests.cast import Cast, client_for
from tests.enforcement.events import make_category, make_event

pytestmark = pytest.mark.usefixtures("rules", "admin_rights")
DAY = timedelta(days=1)
LIMITS = "种类,环节,数量,单位,起用日期,依据\n"
RULES = "类别,镇街,去向,主办,协办,哨种,队伍时限,队伍时限单位,起用日期,理由\n"


def page(model: type, *rest: str) -> str:
    return "/".join(["/admin/enforcement", model._meta.model_name, *rest, ""])


def today() -> date:
    return timezone.localdate()


@pytest.fixture
def client(cast: Cast) -> Client:
    return client_for(cast.bureau_admin)


def sign_limit() -> Limit:
    return Limit.objects.get(kind="emergency", step="sign", valid_to=None)


def limit_form(**changed: Any) -> dict[str, Any]:
    given = {"kind": "emergency", "step": "sign", "unit": "continuous_minutes", "amount": 20, "reason": "试运行"}
    return {**given, "valid_from": today() + DAY, **changed}


def errors_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.context["adminform"].form.errors)


# --- what is here ---------------------------------------------------------------------------------------------------
def test_only_reference_data_is_registered():
    ours = [m.__name__ for m in apps.get_app_config("enforcement").get_models() if admin.site.is_registered(m)]
    assert sorted(ours) == ["Category", "Limit", "RoutingRule"]


@pytest.mark.parametrize("model", ["event", "whistle", "dispatch", "caller", "report", "remark"])
def test_files_are_not_here(cast, client, model):
    assert client.get(f"/admin/enforcement/{model}/").status_code == 404


@pytest.mark.parametrize("model", [Category, Limit, RoutingRule])
@pytest.mark.parametrize("rest", [(), ("add",), ("import",), ("export",)])
def test_pages_open_for_the_administrator_only(cast, client, model, rest):
    assert client.get(page(model, *rest)).status_code == 200
    for part in ("duty", "leader", "auditor", "scjg_leader"):
        assert client_for(getattr(cast, part)).get(page(model, *rest)).status_code in (302, 403)


@pytest.mark.parametrize("model", [Category, Limit, RoutingRule])
def test_nothing_is_deleted(cast, client, model):
    row = model.objects.first()
    assert client.post(page(model, str(row.pk), "delete"), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", [Category, Limit, RoutingRule])
def test_lists_cost_the_same_for_few_and_many(cast, client, model, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        client.get(page(model))


# --- classes --------------------------------------------------------------------------------------------------------
def test_class_keeps_its_code_and_is_switched_off(cast, client):
    category = Category.objects.get(code="0203")
    client.post(
        page(Category, str(category.pk), "change"), {"code": "9999", "name": "占道装卸", "parent": category.parent_id}
    )
    category.refresh_from_db()
    assert (category.code, category.name, category.is_active) == ("0203", "占道装卸", False)
    assert Entry.objects.about(category).get().what == "修改事件类别"


# --- limits ---------------------------------------------------------------------------------------------------------
def test_limit_changes_by_a_new_row_from_a_later_day(cast, client):
    old = sign_limit()
    assert client.post(page(Limit, "add"), limit_form(valid_from=today() + 7 * DAY)).status_code == 302
    old.refresh_from_db()
    new = sign_limit()
    assert (old.amount, old.valid_to) == (15, today() + 6 * DAY)
    assert (new.amount, new.valid_from, new.valid_to) == (20, today() + 7 * DAY, None)
    for day, amount in ((today() + 6 * DAY, 15), (today() + 7 * DAY, 20)):
        assert steps_on(day, "emergency")["emergency", "sign"] == Step("continuous_minutes", amount)


def test_limit_change_is_on_record(cast, client):
    old = sign_limit()
    client.post(page(Limit, "add"), limit_form())
    ended, added = Entry.objects.about(old).get(), Entry.objects.about(sign_limit()).get()
    assert (ended.verb, ended.by) == ("row_ended", cast.bureau_admin)
    assert ended.what == f"{today()} 后停用，由新的办理时限接替"
    assert added.what == "新增办理时限"


def test_limit_before_one_that_is_planned_ends_when_that_begins(cast, client):
    client.post(page(Limit, "add"), limit_form(valid_from=today() + 9 * DAY, amount=30))
    client.post(page(Limit, "add"), limit_form(valid_from=today() + 2 * DAY, amount=20))
    rows = Limit.objects.filter(kind="emergency", step="sign").values_list("amount", "valid_to")
    assert list(rows) == [(15, today() + DAY), (20, today() + 8 * DAY), (30, None)]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"valid_from": date(2026, 1, 1)}, "起用日期最早是明天"),
        ({"valid_from": "today"}, "起用日期最早是明天"),
        ({"amount": 0}, "数量"),
        ({"amount": 10_001}, "时限最多 10000"),  # 2,147,483,647 workdays would end beyond the year 9999
        ({"amount": ""}, "必填|必须"),
        ({"kind": "party"}, "party"),
    ],
)
def test_limit_that_cannot_be_is_refused(cast, client, changed, sentence):
    changed = {name: today() if value == "today" else value for name, value in changed.items()}
    found = errors_of(client.post(page(Limit, "add"), limit_form(**changed)))
    assert any(part in found for part in sentence.split("|")) or "limit_amount" in found
    assert sign_limit().amount == 15


def test_limit_twice_from_the_same_day_is_refused(cast, client):
    client.post(page(Limit, "add"), limit_form())
    assert "这一天起用的已经有一条" in errors_of(client.post(page(Limit, "add"), limit_form(amount=25)))


def test_limit_row_itself_is_not_edited(cast, client):
    old = sign_limit()
    assert client.post(page(Limit, str(old.pk), "change"), limit_form(amount=99)).status_code == 403
    old.refresh_from_db()
    assert old.amount == 15
    assert client.get(page(Limit, str(old.pk), "change")).status_code == 200


def test_limit_list_leads_to_the_new_row_prefilled(cast, client):
    link = f"{page(Limit, 'add')}?kind=emergency&amp;step=sign&amp;amount=15&amp;unit=continuous_minutes"
    assert link in client.get(page(Limit), {"kind__exact": "emergency"}).content.decode()


def test_limits_that_overlap_are_refused_by_the_database():
    with pytest.raises(IntegrityError, match="limit_no_overlap"):
        Limit.objects.create(kind="emergency", step="sign", unit="work_days", amount=1, valid_from=today())


# --- routes ---------------------------------------------------------------------------------------------------------
def rule_form(cast: Cast, **changed: Any) -> dict[str, Any]:
    given = {
        "category": Category.objects.get(code="0203").pk, "township": cast.ganlin.pk, "route": "whistle",
        "lead": cast.scjg.pk, "helpers": [cast.zrzy.pk], "kind": "urgent", "reason": "本镇约定",
        "valid_from": today() + DAY,
    }  # fmt: skip
    return {**given, **changed}


def test_route_of_one_township_holds_from_its_day(cast, client):
    assert client.post(page(RoutingRule, "add"), rule_form(cast)).status_code == 302
    event = make_event(cast, category=make_category())
    assert propose_route(event, today=today()).route == "squad"
    proposal = propose_route(event, today=today() + DAY)
    assert (proposal.route, proposal.lead, proposal.helpers, proposal.kind) == (
        "whistle",
        cast.scjg,
        (cast.zrzy,),
        "urgent",
    )


def test_route_changes_by_a_new_row(cast, client):
    old = RoutingRule.objects.get(category__code="0203", township=None, valid_to=None)
    client.post(page(RoutingRule, "add"), rule_form(cast, township=""))
    old.refresh_from_db()
    new = RoutingRule.objects.get(category__code="0203", township=None, valid_to=None)
    assert (old.route, old.valid_to, new.route) == ("squad", today(), "whistle")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"lead": ""}, "请选主办部门"),
        ({"kind": ""}, "请选哨种"),
        ({"helpers": "scjg"}, "协办须是主办以外的部门"),
        ({"lead": "ganlin"}, "主办须是市级部门"),
        ({"route": "squad", "squad_amount": "4"}, "要么都填，要么都不填"),
        ({"kind": "event"}, "event"),
        ({"route": "squad", "squad_amount": "10001", "squad_unit": "work_days"}, "时限最多 10000"),
        ({"valid_from": "today"}, "起用日期最早是明天"),
    ],
)
def test_route_that_does_not_fit_together_is_refused(cast, client, changed, sentence):
    known = {"scjg": [cast.scjg.pk], "ganlin": cast.ganlin.pk, "today": today()}
    changed = {name: known.get(value, value) for name, value in changed.items()}
    assert sentence in errors_of(client.post(page(RoutingRule, "add"), rule_form(cast, **changed)))


def test_route_is_only_ended_never_edited(cast, client):
    rule = RoutingRule.objects.get(category__code="0203", township=None)
    edit = page(RoutingRule, str(rule.pk), "change")
    assert client.post(edit, rule_form(cast, valid_to=today())).status_code == 302
    rule.refresh_from_db()
    assert (rule.route, rule.valid_to) == ("squad", today())
    assert Entry.objects.about(rule).get().what == "修改分派规则"


@pytest.mark.parametrize(("last_day", "sentence"), [("", "请填停用日期"), ("yesterday", "停用日期最早是今天")])
def test_route_cannot_end_in_the_past(cast, client, last_day, sentence):
    rule = RoutingRule.objects.get(category__code="0203", township=None)
    sent = {"valid_to": today() - DAY if last_day else ""}
    assert sentence in errors_of(client.post(page(RoutingRule, str(rule.pk), "change"), sent))


# --- import and export ----------------------------------------------------------------------------------------------
def preview(client: Client, model: type, content: str | bytes, form: int = 0) -> Any:
    file = SimpleUploadedFile("rows", content.encode() if isinstance(content, str) else content)
    return client.post(page(model, "import"), {"import_file": file, "format": form, "resource": ""})


def confirm(client: Client, model: type, response: Any) -> Any:
    return client.post(page(model, "process_import"), response.context["confirm_form"].initial)


def told(response: Any) -> list[tuple[int | None, str, str]]:
    return [(p.line, p.column, p.message) for p in response.context["problems"]]


def test_import_of_classes(cast, client):
    response = preview(client, Category, "代码,名称,大类,俗称,启用\n0299,占道晾晒,02,晒谷 晒衣,是\n")
    assert told(response) == []
    confirm(client, Category, response)
    assert Category.objects.get(code="0299").parent.code == "02"


def test_import_of_limits_ends_the_ones_before(cast, client):
    response = preview(client, Limit, f"{LIMITS}应急哨,签收,20,分钟（连续）,{today() + DAY},试运行\n")
    assert told(response) == []
    assert sign_limit().amount == 15, "a preview saves nothing"
    confirm(client, Limit, response)
    assert sign_limit().amount == 20
    assert Limit.objects.get(kind="emergency", step="sign", amount=15).valid_to == today()


def test_import_of_limits_tells_each_bad_row(cast, client):
    tomorrow = today() + DAY
    response = preview(
        client,
        Limit,
        f"{LIMITS}应急哨,签收,20,小时,{tomorrow},\n应急哨,到场,40,分钟（连续）,{today()},\n应急哨,签收,99,分钟（连续）,2026-01-01,\n",
    )
    lines = {line: (column, message) for line, column, message in told(response)}
    assert "可选值" in lines[2][1]
    assert "起用日期最早是明天" in lines[3][1]
    assert "已有的行不能改" in lines[4][1]
    assert sign_limit().amount == 15


def test_import_of_routes(cast, client):
    rows = f"{RULES}0203,330683100,吹哨,scjg,zrzy;zfj,日常哨·急,,,{today() + DAY},本镇约定\n"
    response = preview(client, RoutingRule, rows)
    assert told(response) == []
    confirm(client, RoutingRule, response)
    rule = RoutingRule.objects.get(category__code="0203", township=cast.ganlin)
    assert (rule.lead, {unit.code for unit in rule.helpers.all()}) == (cast.scjg, {"zrzy", "zfj"})


def test_import_of_routes_tells_each_bad_row(cast, client):
    day = today() + DAY
    rows = f"0203,330683100,吹哨,,,日常哨,,,{day},\n0203,330683100,吹哨,scjg,nowhere,日常哨,,,{day},\n0203,nowhere,交镇街执法队,,,,,,{day},\n"
    messages = "".join(message for _, _, message in told(preview(client, RoutingRule, RULES + rows)))
    for sentence in ("请选主办部门", "找不到机构“nowhere”"):
        assert sentence in messages
    assert not RoutingRule.objects.filter(category__code="0203", township=cast.ganlin).exists()


@pytest.mark.parametrize("model", [Category, Limit, RoutingRule])
@pytest.mark.parametrize("form", [0, 1])
def test_export_can_be_imported_again_and_changes_nothing(cast, client, model, form):
    content = client.post(page(model, "export"), {"format": form, "resource": ""}).content
    response = preview(client, model, content, form)
    assert told(response) == []
    assert {row.import_type for row in response.context["result"].valid_rows()} == {"skip"}


def test_colleague_who_is_quicker_by_a_moment_is_no_error_page(
    cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The constraint refuses what the form could not see yet; looked at again, it is right or says why not."""
    real, tries = dated.take_over, []

    def late(row: Any, *, by: Any) -> None:
        tries.append(row)
        if len(tries) == 1:
            raise IntegrityError("limit_no_overlap")
        real(row, by=by)

    monkeypatch.setattr(dated, "take_over", late)
    assert client.post(page(Limit, "add"), limit_form()).status_code == 302
    assert len(tries) == 2
    assert Limit.objects.filter(kind="emergency", step="sign").count() == 2


def test_value_that_is_no_id_is_shown_as_nothing_chosen(cast: Cast, client: Client) -> None:
    for value in ("1.5", "x", "²", "9" * 30):
        sent = {"category": value, "lead": value, "helpers": value}
        assert client.get(page(RoutingRule, "add"), sent).status_code == 200
        assert client.post(page(RoutingRule, "add"), sent).status_code == 200
