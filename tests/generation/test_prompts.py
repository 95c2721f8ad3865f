from __future__ import annotations

from pathlib import Path

import pytest

from generation.prompts import PromptFileError, PromptLine, read_prompts

PARTI = (
    "Prompt\tCategory\tChallenge\tNote\n"
    "bond\tAbstract\tBasic\tconcepts\n"
    'a sign that says "Deep Learning"\tWorld Knowledge\tWriting & Symbols\t\n'
    '"unbalanced\tArts\tImagination\ta quote that is never closed\n'
    "a piano \tArtifacts\tBasic\t\n"
)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", ["parti.tsv", "parti.txt"])
def test_parti_prompts_have_no_quoting(tmp_path: Path, name: str) -> None:
    assert read_prompts(write(tmp_path, name, PARTI)) == [
        PromptLine("bond", "Abstract", "Basic"),
        PromptLine('a sign that says "Deep Learning"', "World Knowledge", "Writing & Symbols"),
        PromptLine('"unbalanced', "Arts", "Imagination"),
        PromptLine("a piano", "Artifacts", "Basic"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "drawbench.csv",
            'Prompts,Category\n"A red car, and a ""dog""",Colors\r\nA cat,\n',
            [PromptLine('A red car, and a "dog"', "Colors"), PromptLine("A cat")],
        ),
        ("gecko.csv", "id,prompt,skill\n1,a cat,count\n", [PromptLine("a cat")]),
        ("lines.csv", 'Prompt\n"two\nlines"\n', [PromptLine("two\nlines")]),
        ("bom.csv", "\ufeffPrompt\na cat\n", [PromptLine("a cat")]),
        ("hpd.json", '["a cat", "größe"]', [PromptLine("a cat"), PromptLine("größe")]),
        (
            "reward.json",
            '[{"id": "1", "prompt": "a cat", "category": "Animals"}]',
            [PromptLine("a cat", "Animals")],
        ),
        (
            "compbench.txt",
            "a cat, sleeping\r\na\u2028dog\n\n",
            [PromptLine("a cat, sleeping"), PromptLine("a\u2028dog")],
        ),
        ("tabbed.txt", "a cat\tblack\n", [PromptLine("a cat\tblack")]),
        ("gaps.txt", "a cat\n \na dog\n", [PromptLine("a cat"), PromptLine("a dog")]),
        ("gaps.csv", "Prompt\na cat\n\na dog\n", [PromptLine("a cat"), PromptLine("a dog")]),
    ],
)
def test_formats(tmp_path: Path, name: str, content: str, expected: list[PromptLine]) -> None:
    assert read_prompts(write(tmp_path, name, content)) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "", "a.tsv: the file is empty"),
        ("a.txt", " \n\n", "a.txt: the file is empty"),
        ("a.tsv", "Prompt\tCategory\n", "a.tsv: the file has no prompts"),
        ("a.json", "[]", "a.json: the file has no prompts"),
        (
            "a.tsv",
            "Text\tKind\nx\ty\n",
            "a.tsv: no prompt column; found: text, kind; allowed: Prompt or Prompts",
        ),
        ("a.csv", "Text\nx\n", "a.csv: no prompt column; found: text; allowed: Prompt or Prompts"),
        ("a.tsv", "Prompt\tCategory\na cat\tx\n\ty\n", "a.tsv: row 3 has an empty prompt"),
        ("a.csv", "Prompt,Category\na cat,x\n,x\n", "a.csv: row 3 has an empty prompt"),
        ("a.json", '["a cat", " "]', "a.json: row 2 has an empty prompt"),
        (
            "a.txt",
            "a cat\na dog\na cat \n",
            "a.txt: row 3 repeats the prompt of row 1: 'a cat'; --drop-repeats keeps the first of each",
        ),
        ("a.csv", "Prompt,Category\na cat, black,x\n", "a.csv: row 2 has 3 fields, the header 2"),
        ("a.csv", 'Prompt\na dog\n"a cat\n', "a.csv: row 3 is not valid CSV (unexpected end of data)"),
        ("a.txt", b"a cat\na caf\xe9\n", "a.txt: row 2 is not UTF-8 (byte 0xe9)"),
        ("a.txt", "a\0cat\n", r"a.txt: row 1 has a character that cannot be stored: 'a\x00cat'"),
        ("a.json", '["a \\ud800"]', r"a.json: row 1 has a character that cannot be stored: 'a \ud800'"),
        ("a.json", '["a"\n"b"]', "a.json: row 2 is not valid JSON (Expecting ',' delimiter)"),
        (
            "a.json",
            '{"prompt": "a"}',
            "a.json: holds no JSON list; allowed: a list of texts, or of objects with a prompt",
        ),
        ("a.json", '["a", 3]', "a.json: row 2 is neither a text nor an object with a prompt"),
        ("a.json", '[{"text": "a"}]', "a.json: row 1 is neither a text nor an object with a prompt"),
        ("a.json", '[{"prompt": null}]', "a.json: row 1 has prompt None; allowed: a text"),
    ],
)
def test_bad_file(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(PromptFileError) as caught:
        read_prompts(write(tmp_path, name, content))
    assert str(caught.value) == message


def test_repeats_are_left_out_on_request(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", "Prompt,Category\na cat,x\na dog,y\na cat,z\n")
    assert read_prompts(file, drop_repeats=True) == [PromptLine("a cat", "x"), PromptLine("a dog", "y")]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PromptFileError) as caught:
        read_prompts(tmp_path / "none.tsv")
    assert str(caught.value) == "none.tsv: cannot be read (No such file or directory)"
