from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from townships.models import Post
from townships.services.post import check_change


class PostForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """A new post, or the end of one; what was, stays."""

    class Meta:
        model = Post
        fields = ["user", "unit", "role", "rank", "deputy_for", "valid_from", "valid_to"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.instance.pk is None:
            return cleaned
        before = Post.objects.get(pk=self.instance.pk)
        after = Post.objects.get(pk=self.instance.pk)
        for name, value in cleaned.items():
            setattr(after, name, value)
        try:
            check_change(before, after, today=timezone.localdate())
        except ValidationError as error:
            self.add_error(None, error) if not hasattr(error, "error_dict") else self._add_each(error)
        return cleaned

    def _add_each(self, error: ValidationError) -> None:
        """A sentence at its field, where the form shows that field."""
        for name, sentences in error.message_dict.items():
            self.add_error(name if name in self.fields else None, sentences)
