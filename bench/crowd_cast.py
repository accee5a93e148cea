"""Who is in the crowd: the staff of every township and department, a session each, and the links of the wall screens."""

from itertools import cycle, islice
from uuid import uuid4

from bench import seed
from bench.measure import client_for
from enforcement.models import Category
from records.models import PublicLink
from records.services import link as links
from townships.models import Post, Role, Unit, User

TO_REPORT = 900  # fresh urgent events, so that boards are full


def gather(people: int, walls: int, events: int) -> tuple[list[tuple[str, str]], list[str], int]:
    """[(role, cookie header)], [address of a wall], a category; written with the rights of the owner."""
    seed.base()
    seed.fill(events)
    townships = list(Unit.objects.townships().order_by("code"))
    seed.urgent_events(townships, TO_REPORT)
    posts = list(Post.objects.exclude(role=Role.ADMIN).select_related("user", "unit").order_by("id"))
    for place, post in zip(range(len(posts), people), cycle(tuple(posts)), strict=False):
        user = User.objects.create(username=f"more-{place}", name=f"more-{place}", must_change_password=False)
        posts.append(Post.objects.create(user=user, unit=post.unit, role=post.role))
    cookies = [(post.role, client_for(post.user.username)[1]) for post in posts[:people]]
    return (
        cookies,
        [wall(unit) for unit in islice(cycle(townships), walls)],
        Category.objects.exclude(parent=None)[0].pk,
    )


def wall(township: Unit) -> str:
    by = User.objects.get(username=f"{township.code}-leader-0")
    _, token = links.make(township, by=by, purpose=PublicLink.Purpose.WALL, label="大厅", days=30, request_id=uuid4())
    return f"/wall/{token}/"
