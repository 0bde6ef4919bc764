"""English and Russian: every message is translated, machines read English, the user chooses."""

from __future__ import annotations

import gettext
import importlib.util
import io
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from conftest import Ended
from docs_blocks import ROOT, blocks, inline_commands
from raresign.answers.answer import Answer, FileAnswer
from raresign.cli.answers_table import AnswersTable
from raresign.cli.app import app
from raresign.cli.printing import Console
from raresign.files import write_json
from raresign.language.spoken import _, asked_language, current_language, ngettext, speaking
from raresign.report.document import write_report
from raresign.signs.catalogue.pictures import in_threads
from test_report import Page, made_run
from test_report_recognition import add_recognition

REPORT = ROOT / "src/raresign/report"
TOLD = ("alt", "title", "aria-label", "placeholder")
SIXTY = Answer("3.24.n60", "Speed limit 60 km/h", 0.62, "red ring")
FIFTY = Answer("3.24.n50", "Speed limit 50 km/h", 0.31, "red ring")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translations", ROOT / "tools/translations.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["translations"] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    return module


def test_every_message_is_translated_and_compiled(tool: ModuleType) -> None:
    known, wanted = tool.read_po(), tool.collected()
    again = "run tools/translations.py and translate what it names"
    assert {*known} == {*wanted}, again
    assert {key: one.many for key, one in known.items()} == {
        key: one.many for key, one in wanted.items()
    }, again
    assert tool.problems(known) == []
    assert tool.MO.read_bytes() == tool.compiled(known), again


def test_compiled_file_says_what_the_text_file_says(tool: ModuleType) -> None:
    # Read by the standard library, which the compiler knows nothing of.
    said = gettext.GNUTranslations(io.BytesIO(tool.MO.read_bytes()))
    for one in tool.read_po().values():
        context, _between, text = one.one.rpartition(tool.BETWEEN)
        if one.many:
            assert [said.ngettext(text, one.many, n) for n in (1, 2, 5)] == one.said
        elif context:
            assert [said.pgettext(context, text)] == one.said
        else:
            assert [said.gettext(text)] == one.said


def test_problems_are_found(tool: ModuleType) -> None:
    message = tool.Message
    bare = message("{n} crop", "{n} crops", said=["{n} снимок", "", "{n} снимков"])
    assert tool.problems({"a": bare}) == ["not translated: {n} crop"]
    lost = message("{n:,} of {all}", said=["{n} из {всех}"])
    assert len(tool.problems({"a": lost})) == 1
    assert tool.problems({"a": message("{n:,} of {all}", said=["из {all} {n:,}"])}) == []


@pytest.mark.parametrize(
    ("arguments", "environment", "wanted"),
    [
        ([], {}, "en"),
        ([], {"LANG": "ru_RU.UTF-8"}, "ru"),
        ([], {"LANG": "ru_RU.UTF-8", "LC_MESSAGES": "C"}, "en"),
        ([], {"LC_ALL": "ru", "LC_MESSAGES": "C", "LANG": "C"}, "ru"),
        ([], {"LANG": "ru_RU.UTF-8", "RARESIGN_LANG": "en"}, "en"),
        ([], {"LANG": "de_DE.UTF-8"}, "en"),
        ([], {"LANG": "rum_XX"}, "en"),
        (["--lang", "en", "predict"], {"RARESIGN_LANG": "ru"}, "en"),
        (["predict", "a.png", "--lang=ru"], {}, "ru"),
        (["--lang", "ru", "predict", "--lang", "en"], {}, "en"),
        (["predict", "--", "--lang", "ru"], {}, "en"),
        (["predict", "--lang"], {}, "en"),
    ],
)
def test_who_chooses_the_language(
    arguments: list[str], environment: dict[str, str], wanted: str
) -> None:
    assert asked_language(arguments, environment) == wanted


def test_numbers_take_the_three_russian_forms() -> None:
    wanted = {1: "снимок", 2: "снимка", 4: "снимка", 5: "снимков", 11: "снимков", 12: "снимков"}
    wanted |= {14: "снимков", 21: "снимок", 22: "снимка", 25: "снимков", 101: "снимок"}
    wanted |= {0: "снимков", 111: "снимков", 1000: "снимков"}
    with speaking("ru"):
        for n, word in wanted.items():
            assert ngettext("{n} crop", "{n} crops", n).format(n=n) == f"{n} {word}"


def test_language_ends_with_its_block_and_reaches_helper_threads() -> None:
    with speaking("ru"):
        assert {*in_threads(lambda _n: current_language(), range(9))} == {"ru"}
        with speaking("en"):
            assert _("no sign") == "no sign"
        assert _("no sign") == "знака нет"
    assert _("no sign") == "no sign"
    with pytest.raises(ValueError, match="'fr'"), speaking("fr"):
        pass


def test_answers_are_russian_for_people_and_english_for_machines() -> None:
    answers = [
        FileAnswer("a.png", (SIXTY, FIFTY)),
        FileAnswer("b.png", (SIXTY,), level="family", family="red ring"),
        FileAnswer("c.png", (), level="none"),
        FileAnswer("d.png", (), "the file is empty"),
    ]
    english = [json.dumps(one.as_dict()) for one in answers]
    file = io.StringIO()
    with speaking("ru"):
        table = AnswersTable()
        for one in answers:
            table.add(one)
        table.print_to(Console(file=file, width=200), None)
        assert [json.dumps(one.as_dict()) for one in answers] == english
    text = file.getvalue()
    for words in (
        "3.24.n60 Ограничение максимальной скорости 60 км/ч",
        "похоже на 3.24.n50 Ограничение максимальной скорости 50 км/ч",
        "неизвестный знак: красное кольцо",
        "ошибка: файл пуст",
        "4 снимка: названо 1 (из них с уверенностью ниже 90 %: 1), неизвестных знаков 1, "
        "без знака 1, не прочитано 1",
    ):
        assert words in text


@pytest.mark.parametrize(
    "arguments",
    [("--lang", "ru", "predict", "--help"), ("predict", "--lang", "ru", "--help")],
)
def test_help_is_russian_wherever_the_option_stands(arguments: tuple[str, ...]) -> None:
    text = CliRunner().invoke(app, list(arguments)).output
    for words in ("Как вызвать:", "Что указать:", "Ключи:", "Назвать знак на каждом", "--lang"):
        assert words in text
    assert "[обязательно]" in text
    assert "[по умолчанию: 3]" in text


def test_help_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Name the sign on each crop" in CliRunner().invoke(app, ["--help"]).output
    monkeypatch.delenv("RARESIGN_LANG")
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    text = CliRunner().invoke(app, ["--help"]).output
    assert "Назвать знак на каждом снимке" in text
    assert "Name the sign" not in text


def test_an_error_of_the_user_is_told_in_his_language(cli, tmp_path: Path) -> None:
    ended: Ended = cli("evaluate", tmp_path / "none", tmp_path, "--lang", "ru")
    assert ended.code == 2
    assert ended.err.startswith("ошибка: ")
    assert "такой папки модели или файла нет" in ended.err
    ended = cli("evaluate", tmp_path / "none", tmp_path, "--lang", "fr")
    assert (ended.code, ended.err) == (2, "error: --lang fr; choose en or ru\n")


def test_init_tells_machines_in_english(cli, data_folder: Path, tmp_path: Path) -> None:
    icons = data_folder / "icons"
    ended = cli("init", tmp_path / "a", "--icons", icons, "--lang", "ru", "--json")
    assert any("no test crops" in line for line in json.loads(ended.out)["missing"])
    assert (
        "нет проверочных снимков"
        in cli("--lang", "ru", "init", tmp_path / "b", "--icons", icons).out
    )


def test_report_is_russian_but_for_names(cli, tmp_path: Path) -> None:
    run = made_run(tmp_path)
    add_recognition(run)
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    for english_yet in ("layout", "left_out"):  # words of the readers of crops
        info.pop(english_yet, None)
    write_json(run / "run.json", info)
    english = write_report(run).read_text(encoding="utf-8")
    assert cli("report", run, "--lang", "ru").out.strip() == str(run / "report.html")
    text = (run / "report.html").read_text(encoding="utf-8")
    assert '<html lang="ru">' in text
    assert 'data-counted="классов: {shown} из {all}"' in text
    page = Page(
        re.sub("<pre.*?</pre>|<style>.*?</style>|<script>.*?</script>", "", text, flags=re.S)
    )
    said = [value for _tag, name, value in page.attributes if name in TOLD]
    latin = {word for part in (*page.words, *said) for word in re.findall("[A-Za-z]{3,}", part)}
    own = "raresign predict evaluate pretrain mixed synthetic metric made run torch cores png"
    own += " UTC ECE NLL AURC YAML json bad truncated one"
    own += " github com Cowwwperwood ComputerVisionRoadSign"
    assert latin <= {*own.split()}
    write_report(run)
    assert (run / "report.html").read_text(encoding="utf-8") == english


@pytest.mark.parametrize("path", sorted(REPORT.rglob("*.html.j2")), ids=lambda path: path.name)
def test_templates_hold_no_bare_words(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    # Messages of templates are HTML: a class code or a file name must never be one.
    assert re.findall(r"\b(?:_|ngettext)\((?!\")", source) == []
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.S)
    page = Page(f"<div>{text}</div>" if "<body>" not in text else text)
    words = [*page.words, *(value for _tag, name, value in page.attributes if name in TOLD)]
    assert re.findall("[A-Za-z]{2,}", " ".join(words)) == []


def test_russian_readme_has_the_same_commands() -> None:
    def commands(name: str) -> set[str]:
        page = ROOT / name
        found = [
            line for block in blocks(page) for line in block.commands if block.language == "sh"
        ]
        return {line.partition("#")[0].strip() for line in (*found, *inline_commands(page))}

    assert commands("README.ru.md") <= commands("README.md") | {
        "raresign --lang ru predict crop.png"
    }
