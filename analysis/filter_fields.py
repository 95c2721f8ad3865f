"""Fields of the forms that filter lists: each may be left empty, and says of a wrong value what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django import forms
from django.db.models import Q

from comparisons.models import Study

NONE = "none"  # stands for the prompts without a label; one that is itself called so is found along with them
MOST_DIGITS = 18


def choice(name: str, values: Iterable[str], words: Mapping[str, str] | None = None) -> forms.ChoiceField:
    values = list(values)
    choices = [("", "any"), *((value, (words or {}).get(value, value)) for value in values)]
    return forms.ChoiceField(choices=choices, required=False, error_messages=_refusal(name, values))


def several(name: str, values: Iterable[str], label: str) -> forms.MultipleChoiceField:
    values = list(values)
    return forms.MultipleChoiceField(
        choices=[(value, value) for value in values],
        required=False,
        label=label,
        widget=forms.CheckboxSelectMultiple,
        error_messages=_refusal(name, values),
    )


def number(label: str) -> forms.CharField:
    """Whoever cleans it says which numbers there are, see `whole_number`."""
    return forms.CharField(required=False, label=label, widget=forms.NumberInput(attrs={"min": 0}))


def whole_number(name: str, found: str) -> int:
    if not found.isdecimal() or len(found) > MOST_DIGITS:
        raise forms.ValidationError(f"{name} is {found[:40]!r}; allowed: a whole number.")
    return int(found)


def id_named(found: str) -> int | None:
    """None, which no row has, for what no page has written."""
    return int(found) if found.isdecimal() and len(found) <= MOST_DIGITS else None


def labels(study: Study, name: str) -> list[str]:
    """What the study's prompts have as `name`, which is category or challenge."""
    values = study.prompt_set.prompts.order_by(name).values_list(name, flat=True).distinct()
    return [value or NONE for value in values]


def labelled(field: str, value: str) -> Q:
    return Q(**{f"{field}__in": ["", NONE]}) if value == NONE else Q(**{field: value})


def _refusal(name: str, values: list[str]) -> dict[str, str]:
    allowed = ", ".join(values).replace("%", "%%")
    return {"invalid_choice": f"{name} is '%(value)s'; allowed: {allowed}."}
