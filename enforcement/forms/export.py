"""The form under a list that takes its rows away."""

from django import forms
from django.http import QueryDict

from enforcement.forms.event import request_id
from records.services.spreadsheet import CSV, XLSX

LONGEST = 2000  # characters: more than any filter form sends


class ExportForm(forms.Form):
    query = forms.CharField(required=False, max_length=LONGEST, strip=False, widget=forms.HiddenInput)
    format = forms.ChoiceField(choices=[(XLSX, "Excel"), (CSV, "CSV")])
    request_id = request_id()

    def asked(self) -> QueryDict:
        """The filters as the address of the list has them. Only after `is_valid()`."""
        return QueryDict(self.cleaned_data["query"])
