"""Model YAMLs from anybody: whatever stands in them, one message says what and where, soon, and nothing runs."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.errors import AppError
from app.core.user_models import open_user_model, remember_model

GOOD = """\
nc: 3
scales:
  n: [0.5, 0.25, 1024]
activation: nn.LeakyReLU(0.1)
reg_max: 8
backbone:
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 3, C2f, [128, True]]
  - [-1, 1, SPPF, [128, 5, 3]]
  - [-1, 1, RepNCSPELAN4, [128, 64, 32, 1]]
head:
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
  - [[-1, 0], 1, Concat, [1]]
  - [[5], 1, Detect, [nc]]
"""
TOKENS = [found.span() for found in re.finditer(r"[\w.()-]+|[\[\]:,]|\n", GOOD)]

HOSTILE = (
    *("-64", "0", "1e9", "1000000000", "99999999999999999999", "-1", ".inf", "-.nan", "1e400", "0x7fffffff"),
    *(
        "1_000",
        "07",
        "1:30",
        "2001-01-01",
        "",
        "~",
        "true",
        "!!float ''",
        "!!int ''",
        "!!bool x",
        "!!binary AAAA",
    ),
    *("!!python/object/apply:os.system ['touch OWNED']", "!!python/name:os.system ''", "!!set {a}", "!x y"),
    *(
        "__import__('os').system('touch OWNED')",
        "os.system",
        "eval",
        "torch.hub.load",
        "nn.Module",
        "Segment",
    ),
    *(
        "locals",
        "layers",
        "args",
        "self",
        "d",
        "'nc) or exit('",
        "(1, 2)",
        "(((",
        '"\\0\\x1b[31m"',
        "\t",
        "\x85",
    ),
    *(
        "{a: b}",
        "{1: {2: 3}}",
        "[[[[1]]]]",
        "[" * 50,
        "&a [*a]",
        "*a",
        "&a {<<: *a}",
        "<<: *a",
        "- -",
        "? x",
        "---",
    ),
    *(
        "'" + "x" * 5000 + "'",
        "[" + "1, " * 500 + "1]",
        "\N{FULLWIDTH DIGIT ONE}",
        "\u202e",
        "😀",
        "null: null",
    ),
)


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """The good file with up to three tokens replaced, doubled or followed by something hostile."""
    text = GOOD
    places = draw(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=3, unique=True))
    for start, end in sorted(places, reverse=True):
        new = draw(st.sampled_from(HOSTILE) | st.text(max_size=8) | st.integers().map(str))
        text = text[:start] + draw(st.sampled_from(("", text[start:end]))) + new + text[end:]
    return text


def check(error: AppError, lines: int) -> None:
    """One line that names the file, and the line in it unless the whole file is meant."""
    text = error.message
    assert text.startswith("evil.yaml")
    assert text.isprintable()
    assert len(str(error)) < 900
    said = re.match(r"evil\.yaml, line (\d+): ", text)
    whole = ("no model YAML", "nested too deeply", "longer than", "modules; 400 are allowed", "not YAML")
    assert said is not None or any(words in text for words in whole), text
    assert said is None or 1 <= int(said[1]) <= lines + 1


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what can be opened after all out of the cache that other tests share."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path_factory.mktemp("cache")))
    patch.chdir(tmp_path_factory.mktemp("here"))
    yield
    assert not Path("OWNED").exists()
    patch.undo()


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(spoilt())
def test_one_message_says_what_is_wrong_and_where(text: str) -> None:
    try:
        assert remember_model(text, "evil.yaml").startswith("evil.yaml#")
    except AppError as error:
        check(error, len(text.splitlines()))


def bomb() -> str:
    """Every anchor repeats the one before it ten times: 10⁴⁰ values where they were copied."""
    rows = ["a0: &a0 [1]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 40)]
    return "\n".join(rows) + "\n" + GOOD.replace("[64, 3, 2]", "*a39")


LARGE = {
    "bomb": bomb(),
    "anchors": GOOD.replace("[64, 3, 2]", "&a [64, *b]").replace("[128, True]", "&b [*a, *a]"),
    "nesting": "backbone: " + "[" * 40_000,
    "braces": "head: " + "{a: " * 20_000,
    "long": GOOD + "# " + "x" * 200_000,
    "rows": GOOD.replace("head:", "  - [-1, 1, Conv, [64, 3, 1]]\n" * 2000 + "head:"),
    "repeats": GOOD.replace("[-1, 3, C2f", "[-1, 200, C2f").replace("[0.5, 0.25", "[16, 0.25"),
    "inner": GOOD.replace("64, 32, 1]", "64, 32, 60000]"),
    "poolings": GOOD.replace("SPPF, [128, 5, 3]", "SPPF, [128, 5, 60000]"),
    "width": GOOD.replace("[0.5, 0.25, 1024]", "[0.5, 1000000000, 1024]"),
    "channels": GOOD.replace("Conv, [64", "Conv, [1000000000"),
    "factor": GOOD.replace("[0.5, 0.25", "[0.5, -1"),
}


@pytest.mark.parametrize("name", LARGE)
def test_bombs_are_refused_at_once(name: str, tmp_path: Path) -> None:
    path = tmp_path / "evil.yaml"
    path.write_text(LARGE[name], encoding="utf-8")
    start = time.process_time()
    with pytest.raises(AppError) as caught:
        open_user_model(path)
    assert time.process_time() - start < 5
    check(caught.value, len(LARGE[name].splitlines()))
