"""File fields of forms: many at once, the type found in the content, every bad file named with what to do."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms

from records.services.attachment import MAX_FILES, BadFile, Upload, check_document, check_photo


class ManyFilesInput(forms.FileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Cleans to a list of checked files, at most `most` (None: the form counts them itself).

    After `clean`, `good` holds those that passed, even where others did not.
    """

    widget = ManyFilesInput
    accept = ""

    def __init__(self, *, most: int | None = MAX_FILES, **kwargs: Any) -> None:
        super().__init__(**{"required": False, **kwargs})
        self.most = most
        self.good: list[Upload] = []
        self.widget.attrs.setdefault("accept", self.accept)

    def clean(self, data: Any, initial: Any = None) -> list[Upload]:  # noqa: ARG002 - Django's signature
        uploads = data if isinstance(data, list) else [data] if data else []
        self.good = []  # a form's fields are shallow copies: never append to the list of the class
        errors = []
        for upload in uploads:
            try:
                self.check(upload)
            except BadFile as error:
                errors.append(str(error))
            else:
                self.good.append(upload)
        if self.most is not None and len(uploads) > self.most:
            extra = len(uploads) - self.most
            errors.append(f"一次最多 {self.most} 个文件，您选了 {len(uploads)} 个，请去掉 {extra} 个。")
        if errors:
            raise forms.ValidationError(errors)
        return self.good

    def check(self, upload: Upload) -> None:
        """Raises BadFile."""
        raise NotImplementedError


class PhotosField(ManyFilesField):
    accept = "image/*,.heic,.heif"

    def check(self, upload: Upload) -> None:
        check_photo(upload)


class EvidenceField(ManyFilesField):
    """Photos, PDF, Word and Excel."""

    accept = "image/*,.heic,.heif,.pdf,.doc,.docx,.xls,.xlsx"

    def check(self, upload: Upload) -> None:
        _first_that_fits(upload, (check_photo, check_document))


def _first_that_fits(upload: Upload, checks: Iterable[Callable[[Upload], str]]) -> None:
    errors = []
    for check in checks:
        try:
            check(upload)
        except BadFile as error:
            errors.append(error)
        else:
            return
    raise errors[-1]
