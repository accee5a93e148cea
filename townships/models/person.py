from datetime import date
from typing import Any, Self

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from records.models.pieces import PinyinField
from townships.models.place import Unit


class Role(models.TextChoices):
    GRID = "grid", "网格员"
    OFFICER = "officer", "执法队员"
    DUTY = "duty", "指挥室值班员"
    LEADER = "leader", "镇街领导"
    LIAISON = "liaison", "部门联络员"
    DEPT_LEADER = "dept_leader", "部门领导"
    GUIDANCE = "guidance", "指导办人员"
    ADMIN = "admin", "系统管理员"
    AUDITOR = "auditor", "审计员"


COMMAND_ROOM = (Role.DUTY, Role.LEADER)  # who runs a township's
OVERSIGHT = (Role.GUIDANCE, Role.AUDITOR)  # who sees the whole city
LEADERS = (Role.LEADER, Role.DEPT_LEADER)
DESKS = (Role.DUTY, Role.LIAISON, *LEADERS)  # who speaks for a unit: a township's command room, a department's liaisons


class UserManager(DjangoUserManager["User"]):
    use_in_migrations = False

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> "User":
        """The first administrator of an installation: an account with that post, since rights come from posts alone."""
        user = self.create_user(username, email, password, **fields)
        Post.objects.create(user=user, unit=Unit.objects.get(code="city"), role=Role.ADMIN)
        return user

    def create_user(
        self, username: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> "User":
        user = self.model(username=username, email=self.normalize_email(email or ""), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractUser):
    """One account a person; what it may do comes from the post it acts in, see `acting`."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    name = models.CharField("姓名", max_length=40)
    mobile = models.CharField("手机", max_length=20, blank=True)
    home_unit = models.ForeignKey(
        Unit, on_delete=models.PROTECT, null=True, blank=True, verbose_name="编制单位", related_name="+"
    )
    must_change_password = models.BooleanField("下次登录须改密码", default=True)
    password_changed_at = models.DateTimeField("密码修改时间", default=timezone.now)
    password_expires_at = models.DateTimeField("一次性密码有效至", null=True, blank=True)
    otp_stamp = models.CharField(
        "二次验证",
        max_length=16,
        blank=True,
        help_text="names the device that is set up; a session that passed carries it",
    )
    otp_grace_until = models.DateTimeField("重新设置二次验证的期限", null=True, blank=True)
    pinyin = PinyinField("拼音", of="name")
    initials = PinyinField("拼音首字母", of="name", short=True)
    disabled_from = models.DateField("停用日期", null=True, blank=True, help_text="从这一天起不能登录")
    session_generation = models.PositiveIntegerField(default=0, help_text="a higher number ends every session")

    objects = UserManager()  # type: ignore[misc]
    REQUIRED_FIELDS = ["name"]
    posts_today: "list[Post]"  # set by the middleware, in the order in which the page offers them

    class Meta:
        verbose_name = verbose_name_plural = "人员"
        ordering = ["username"]
        indexes = [models.Index(fields=["pinyin", "id"], name="user_pinyin")]

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session is compared with at each request, together with the user that is read anyway."""
        before: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]
        if not self.session_generation:
            return before
        return salted_hmac(
            "townships.User.session", f"{before}{self.session_generation}", algorithm="sha256"
        ).hexdigest()

    def is_disabled_on(self, day: date) -> bool:
        return not self.is_active or (self.disabled_from is not None and self.disabled_from <= day)

    @property
    def is_staff(self) -> bool:  # type: ignore[override]
        """Who may enter the admin: derived from the post acted in, never stored."""
        return self.acting is not None and self.acting.role == Role.ADMIN

    @property
    def acting(self) -> "Post | None":
        """The post this person acts in: set by the middleware from the session, else the first active one."""
        if not hasattr(self, "_acting"):
            self._acting = self.active_posts().first()
        return self._acting

    @acting.setter
    def acting(self, post: "Post | None") -> None:
        self._acting = post

    def active_posts(self) -> "PostQuerySet":
        return Post.objects.filter(user=self).active(timezone.localdate()).select_related("unit").order_by("rank", "id")

    @property
    def office(self) -> str:
        """What the timeline says of who acted: the office, not the name."""
        return self.acting.label if self.acting else "无岗位账号"


class OldPassword(models.Model):
    """Hashes of earlier passwords, so that the last five are not used again."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    password = models.CharField(max_length=128)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["user", "-at"], name="old_password_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.at}"


class PostQuerySet(models.QuerySet["Post"]):
    def active(self, day: date) -> Self:
        return self.filter(valid_from__lte=day, user__is_active=True).filter(Q(valid_to=None) | Q(valid_to__gte=day))

    def visible_to(self, user: Any) -> Self:
        """Whom one may look up: the colleagues, and who speaks for another office. What can be called, `mobile_sight` says.

        Guidance office, auditors and administrators everybody; a grid member those of the own township that take reports.
        """
        post = user.acting
        today = self.active(timezone.localdate())
        if post is None:
            return self.none()
        if post.role in (*OVERSIGHT, Role.ADMIN):
            return today
        own = Q(unit_id=post.organ_id)
        if post.role == Role.GRID:
            return today.filter(own & Q(role__in=COMMAND_ROOM) | Q(unit_id=post.unit_id))
        return today.filter(
            own | Q(unit__parent_id=post.organ_id) | Q(user__in=squad_of(post)) | Q(role__in=(*DESKS, Role.GUIDANCE))
        )


def squad_of(post: "Post") -> models.QuerySet[Any]:
    """Ids of the people in the squad of the township acted in; of nobody elsewhere."""
    members = Post._meta.apps.get_model("townships", "SquadMember").objects.active(timezone.localdate())
    return members.filter(township_id=post.unit_id if post.unit.is_township else None).values("user_id")


def mobile_sight(user: Any) -> Q:
    """Whose mobile this person may see: a township's staff that of its staff and squad, a department's desk that of its own
    people, guidance office and auditors those of all squads and desks. Administrators keep them. Everybody the own.

    What is called elsewhere is the number of the unit.
    """
    post, own = user.acting, Q(pk=user.pk)
    if post is None or post.role == Role.GRID:
        return own
    if post.role == Role.ADMIN:
        return ~Q(pk__in=[])
    posts = Post.objects.active(timezone.localdate())
    if post.role in OVERSIGHT:
        squads = Post._meta.apps.get_model("townships", "SquadMember").objects.active(timezone.localdate())
        at_desks = posts.filter(role__in=(*DESKS, *OVERSIGHT))
        return own | Q(pk__in=squads.values("user_id")) | Q(pk__in=at_desks.values("user_id"))
    colleagues = posts.filter(Q(unit_id=post.unit_id) | Q(unit__parent_id=post.unit_id))
    if post.unit.is_township and post.role in (*COMMAND_ROOM, Role.OFFICER):
        return own | Q(pk__in=colleagues.values("user_id")) | Q(pk__in=squad_of(post))
    return own | Q(pk__in=colleagues.values("user_id")) if post.role in DESKS else own


ANSWERS = (*Unit.DEPARTMENT_KINDS, Unit.Kind.SUBUNIT)
# Where a role has its desk. A post anywhere else would see nothing, or what is not its own, and nobody would hear of it.
PLACES: dict[str, tuple[str, ...]] = {
    Role.GRID: (Unit.Kind.GRID,),
    Role.OFFICER: (*Unit.TOWNSHIP_KINDS, *ANSWERS),
    Role.DUTY: Unit.TOWNSHIP_KINDS,
    Role.LEADER: Unit.TOWNSHIP_KINDS,
    Role.LIAISON: ANSWERS,
    Role.DEPT_LEADER: Unit.DEPARTMENT_KINDS,
    Role.GUIDANCE: (Unit.Kind.GUIDANCE,),
}


class Post(models.Model):
    """A role at a unit, from a day to a day. Acts wait for a unit and a role; the posts say who that is today."""

    class Rank(models.TextChoices):
        MAIN = "1_main", "主"
        BACKUP = "2_backup", "备"
        DEPUTY = "3_deputy", "代理"

    user = models.ForeignKey(User, on_delete=models.PROTECT, verbose_name="人员", related_name="posts")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name="单位", related_name="+")
    role = models.CharField("岗位", max_length=12, choices=Role.choices)
    rank = models.CharField("主备", max_length=10, choices=Rank.choices, default=Rank.MAIN)
    deputy_for = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, verbose_name="代理谁", related_name="+"
    )
    valid_from = models.DateField("起", default=date.today)
    valid_to = models.DateField("止", null=True, blank=True)

    objects = PostQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "岗位"
        indexes = [
            models.Index(fields=["unit", "role"], name="post_unit_role"),
            models.Index(fields=["user", "rank"], name="post_user"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="post_dates",
                violation_error_message="截止日期不能早于起始日期。",
            ),
            models.CheckConstraint(
                condition=~Q(rank="3_deputy") | Q(deputy_for__isnull=False, valid_to__isnull=False),
                name="post_deputy_has_dates",
                violation_error_message="代理岗位须填代理谁和截止日期。",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        """The role has its place at units of this kind; the administrators' and auditors' may be anywhere."""
        if self.unit_id and self.role in PLACES and self.unit.kind not in PLACES[self.role]:
            where = "、".join(dict.fromkeys(str(Unit.Kind(kind).label) for kind in PLACES[self.role]))
            raise ValidationError({"unit": f"{self.get_role_display()}的岗位只能设在：{where}。"})

    @property
    def label(self) -> str:
        return f"{self.unit.short_name}·{self.get_role_display()}"

    @property
    def organ_id(self) -> int:
        """The township of a grid member, the department of somebody in a sub-unit, else the unit itself."""
        return self.unit.organ_id
