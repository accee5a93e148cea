import multiprocessing
from pathlib import Path

import pytest
from django.core.mail import EmailMessage, get_connection
from pytest_django import Settings

from notifications import mail_files
from notifications.models import Delivery
from notifications.services import outbox
from tests.notifications.conftest import MakeDeliveries, message_id


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EMAIL_BACKEND = settings.MAIL_FILES
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    return tmp_path / "mail"


def mail(message_id: str = "<1.2@localhost>", subject: str = "派单等您签收") -> EmailMessage:
    return EmailMessage(
        subject, "正文", "portal@localhost", ["one@example.invalid"], headers={"Message-ID": message_id}
    )


def write_many(folder: str, start: int) -> None:
    for number in range(start, start + 50):
        mail_files.write(Path(folder), mail(f"<{number}@localhost>"))


def test_each_message_is_one_file_named_by_its_id(db: None, folder: Path, deliveries: MakeDeliveries) -> None:
    made = deliveries(3)
    outbox.deliver([delivery.pk for delivery in made])
    assert Delivery.objects.filter(state="sent").count() == 3
    assert {file.name for file in folder.iterdir()} == {message_id(delivery).strip("<>") + ".eml" for delivery in made}
    assert folder.stat().st_mode & 0o077 == 0


def test_a_file_reads_back_as_the_mail_it_was(folder: Path) -> None:
    get_connection().send_messages([mail()])
    (name,) = mail_files.newest(10)
    found = mail_files.read(name)
    assert found is not None
    assert (found["Subject"], found["To"]) == ("派单等您签收", "one@example.invalid")
    assert found.get_content().strip() == "正文"


def test_sending_twice_is_one_file(folder: Path) -> None:
    get_connection().send_messages([mail(subject="first"), mail(subject="second")])
    assert len(list(folder.iterdir())) == 1


def test_processes_do_not_get_in_each_others_way(folder: Path) -> None:
    folder.mkdir()
    writers = [multiprocessing.Process(target=write_many, args=(str(folder), start)) for start in (0, 25, 50)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert len(list(folder.iterdir())) == 100


def test_a_message_id_cannot_leave_the_folder(folder: Path) -> None:
    get_connection().send_messages([mail("<../../etc/x@localhost>")])
    assert mail_files.newest(10) == ["etcx@localhost.eml"]


def test_newest_are_the_last_by_name_and_no_half_written_ones(folder: Path) -> None:
    assert mail_files.newest(10) == []
    folder.mkdir()
    for name in ("20260101T1.1@x.eml", "20260102T1.2@x.eml", "20260103T1.3@x.eml", ".tmpabc", "notes.txt"):
        (folder / name).write_text("Subject: x\n\n")
    assert mail_files.newest(2) == ["20260103T1.3@x.eml", "20260102T1.2@x.eml"]


@pytest.mark.parametrize(
    "name",
    [
        "../secret.eml",
        "..%2fsecret.eml",
        "/etc/passwd",
        ".hidden.eml",
        "",
        "notes.txt",
        "gone.eml",
        "link.eml",
        "a\n.eml",
    ],
)
def test_what_is_no_mail_file_is_not_read(folder: Path, name: str) -> None:
    folder.mkdir()
    for secret in (folder.parent / "secret.eml", folder / ".hidden.eml", folder / "notes.txt"):
        secret.write_text("Subject: secret\n\n")
    (folder / "link.eml").symlink_to(folder.parent / "secret.eml")
    assert mail_files.read(name) is None
