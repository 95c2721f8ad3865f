"""What raters read before they agree, where the study file does not say it: in each language of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    """`known_again` follows the consent where raters come with an id or an invitation."""

    title: str
    introduction: str
    consent: str
    known_again: str


DEFAULT_TEXTS: Mapping[str, Texts] = {
    "en": Texts(
        title="Comparing pictures",
        introduction="You will see a text and two pictures that were made from it.",
        consent=(
            "Taking part is voluntary and you may stop at any time. We store your answers, how long each took, "
            "and a random number that stands for you: no name, no address. The answers are published in aggregate "
            "and as an anonymous data set."
        ),
        known_again=(
            "Of the id or the invitation by which you came we keep only a code that cannot be turned back, so that "
            "everybody takes part once. We delete it when you ask us to."
        ),
    ),
    "de": Texts(
        title="Bilder vergleichen",
        introduction="Sie sehen einen Text und zwei Bilder, die nach ihm gemacht wurden.",
        consent=(
            "Die Teilnahme ist freiwillig, und Sie können jederzeit aufhören. Wir speichern Ihre Antworten, wie lange "
            "jede gedauert hat, und eine zufällige Zahl, die für Sie steht: keinen Namen, keine Adresse. Die Antworten "
            "werden zusammengefasst und als anonymer Datensatz veröffentlicht."
        ),
        known_again=(
            "Von der Kennung oder der Einladung, mit der Sie gekommen sind, behalten wir nur einen Code, der sich "
            "nicht zurückrechnen lässt, damit jeder nur einmal teilnimmt. Auf Ihren Wunsch löschen wir ihn."
        ),
    ),
    "ar": Texts(
        title="مقارنة الصور",
        introduction="سترى نصًا وصورتين صُنعتا منه.",
        consent=(
            "المشاركة طوعية ويمكنك التوقف في أي وقت. نحفظ إجاباتك والوقت الذي استغرقته كل منها ورقمًا عشوائيًا يمثلك: "
            "لا اسم ولا عنوان. تُنشر الإجابات مجمّعة وكمجموعة بيانات مجهولة الهوية."
        ),
        known_again=(
            "لا نحتفظ من المعرّف أو الدعوة التي أتيت بها إلا برمز لا يمكن عكسه، حتى يشارك كل شخص مرة واحدة فقط. ونحذفه "
            "عندما تطلب منا ذلك."
        ),
    ),
}
