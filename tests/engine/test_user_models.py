"""Users' own models: read, checked, traced, built; hostile ones are refused and run nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from app.core.blocks import eligible
from app.core.cost import compare_cost
from app.core.design import Design, Swap, dump_design, load_design, parse_design, save_design
from app.core.errors import AppError
from app.core.user_models import NotTracedError, base_title, is_user_model, open_user_model, trace_file
from app.engine.models import build_model
from app.engine.user_models import ensure_traced, model_of_checkpoint
from tests.engine.counting import expected, figures

MINE = """\
# A small detector of two levels.
nc: 3
scales:
  n: [0.5, 0.25, 1024]
  s: [0.5, 0.5, 1024]
activation: nn.LeakyReLU(0.1)
backbone:
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 1, Conv, [128, 3, 2]]
  - [-1, 1, Conv, [256, 3, 2]]
  - [-1, 3, C2f, [256, True]]
  - [-1, 1, Conv, [512, 3, 2]]
  - [-1, 3, C3, [512]]
head:
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
  - [[-1, 3], 1, Concat, [1]]
  - [-1, 2, C2, [256]]
  - [[8, 5], 1, Detect, [nc]]
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE, encoding="utf-8")
    return path


def traced(path: Path) -> str:
    base = open_user_model(path)
    ensure_traced(base)
    return base


def test_core_refuses_until_the_engine_has_looked(mine: Path) -> None:
    mine.write_text(
        MINE.replace("[512, 3, 2]", "[384, 3, 2]"), encoding="utf-8"
    )  # no other test opens this one
    base = open_user_model(mine)
    assert is_user_model(base)
    assert base_title(base) == "mine.yaml"
    with pytest.raises(NotTracedError, match=r"mine\.yaml has not been looked at") as caught:
        Design.stock(base)
    assert caught.value.base == base
    with pytest.raises(NotTracedError):
        load_design(mine)
    ensure_traced(base)
    assert load_design(mine) == Design.stock(base)
    assert load_design(mine).architecture.strides == (8, 16)


@pytest.mark.parametrize("kind", ["separable", "ghost_c3"])
def test_costs_equal_the_built_model(mine: Path, kind: str) -> None:
    stock = Design.stock(traced(mine), 5)
    design = stock.with_swap(eligible(stock.architecture, kind), Swap(kind))
    for made in (stock, design):
        table = compare_cost(made, (96, 64))
        model = build_model(made, device="meta")
        assert figures(model, 96, 64) == expected(table.lightweight)
    real = build_model(design).eval()
    with torch.no_grad():
        assert real(torch.zeros(1, 3, 64, 96))[0].shape == (1, 4 + 5, 8 * 12 + 4 * 6)
    assert not any(type(m).__name__ == "SiLU" for m in real.modules())


def test_the_files_name_chooses_the_scale(tmp_path: Path) -> None:
    widths = {}
    for name in ("mine.yaml", "yolov8s-mine.yaml"):
        path = tmp_path / name
        path.write_text(MINE, encoding="utf-8")
        widths[name] = Design.stock(traced(path)).architecture.layers[0].c2
    assert widths == {"mine.yaml": 16, "yolov8s-mine.yaml": 32}


def test_designs_find_their_model(mine: Path, tmp_path: Path) -> None:
    base = traced(mine)
    design = Design.stock(base, 3).with_swap(["model.2"], Swap("separable"))
    folder = tmp_path / "designs"
    folder.mkdir()
    save_design(design, folder / "light.yaml")
    assert (folder / "mine.yaml").read_text(encoding="utf-8") == MINE  # moves along
    assert load_design(folder / "light.yaml") == design
    # Without the file, by its hash, on this computer.
    (folder / "mine.yaml").unlink()
    assert load_design(folder / "light.yaml") == design
    assert parse_design(dump_design(design)) == design
    # The file that a person wrote says no hash.
    mine.with_name("own.yaml").write_text("format: 1\nbase: mine.yaml\nswaps: {model.2: separable}\n")
    assert load_design(mine.with_name("own.yaml")).resolved() == design.resolved()


def test_another_model_of_that_name_is_not_overwritten(mine: Path, tmp_path: Path) -> None:
    base = traced(mine)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine.yaml").write_text(MINE.replace("[-1, 3, C3, [512]]", "[-1, 1, C3, [512]]"))
    with pytest.raises(AppError, match="Another model stands in"):
        save_design(Design.stock(base), tmp_path / "x" / "d.yaml")


@pytest.mark.parametrize(
    "name", ["../mine.yaml", "/etc/mine.yaml", "sub/mine.yaml", "gone.yaml", "..\\mine.yaml"]
)
def test_a_model_stands_beside_its_design(mine: Path, name: str) -> None:
    path = mine.with_name("d.yaml")
    path.write_text(f"format: 1\nbase: {name}\n")
    with pytest.raises(AppError, match=r"d\.yaml, line 2: there is no model"):
        load_design(path)


def test_a_copy_of_a_stock_model_is_that_model(tmp_path: Path) -> None:
    from ultralytics.utils import ROOT

    path = tmp_path / "yolov8s-copy.yaml"
    path.write_text(
        (Path(ROOT) / "cfg/models/v8/yolov8.yaml").read_text(encoding="utf-8").replace("nc: 80", "nc: 3")
    )
    assert open_user_model(path) == "yolov8s"


def test_a_checkpoints_recipe_is_a_model_too(mine: Path) -> None:
    recipe = build_model(Design.stock(traced(mine), 5)).yaml
    recipe = json.loads(json.dumps(recipe))
    base = model_of_checkpoint(recipe, "mine.yaml")
    assert base == open_user_model(mine)
    assert model_of_checkpoint({"backbone": 1}, "x.yaml") is None
    recipe["backbone"][0][2] = "os.system"
    with pytest.raises(AppError, match=r"os\.system"):
        model_of_checkpoint(recipe, "x.yaml")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("C2f, [256, True]", "os.system, ['touch OWNED']", "os.system is no module"),
        ("C2f, [256, True]", "Segment, [256, True]", "Segment is no module"),
        ("[256, True]", "[256, '__import__(\"os\")']", "out of place"),
        ("[256, True]", "[!!python/name:os.system '']", "out of place"),
        ("nn.LeakyReLU(0.1)", "__import__('os').system('touch OWNED')", "activation is not known"),
        ("[-1, 3, C3, [512]]", "[-1, 3000, C3, [512]]", "out of place"),
        ("[-1, 1, Conv, [512, 3, 2]]", "[-1, 1, Conv, [90000, 3, 2]]", "out of place"),
        ("[-1, 1, Conv, [512, 3, 2]]", "[-1, 1, Conv, [-512, 3, 2]]", "out of place"),
        ("[[-1, 3], 1,", "[[-1, 30], 1,", "names no row"),
        ("nc: 3", "nc: 3\ndownload: 'rm -rf /'", "unknown entry"),
    ],
)
def test_what_it_must_not_say_is_refused_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert old in MINE
    path = tmp_path / "evil.yaml"
    text = MINE.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    same = [a == b for a, b in zip(text.splitlines(), MINE.splitlines(), strict=False)]
    line = same.index(False) + 1
    with pytest.raises(AppError, match=rf"evil\.yaml, line {line}: ") as caught:
        open_user_model(path)
    assert why in caught.value.message
    assert not (tmp_path / "OWNED").exists()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        # Groups that do not divide the channels.
        ("[256, True]", "[256, True, 7]", ", line 11: this C2f cannot be built: .*divisible"),
        (
            "[[-1, 3], 1, Concat",
            "[[-1, 1], 1, Concat",
            ", line 16: this Concat cannot be built: Sizes of tensors",
        ),
        ("[256, 3, 2]", "[256, 3, 2, 0]", ", line 16: this Concat cannot be built"),
        ("[128, 3, 2]", "[128, 3, 3]", ", line 16: this Concat cannot be built"),  # at other sizes alone
        (
            "[-1, 2, C2, [256]]",
            "[-1, 1, Conv, [256, 3, 1, 0]]",
            ", line 17: the size of what this Conv makes",
        ),
        ("[512]]", "[64000]]", " has .* million parameters"),
        ("[64, 3, 2]", "[65536, 3, 2]", ", line 8: this Conv makes 6\\.71.GB of one picture"),
    ],
)
def test_what_cannot_be_built_says_why(tmp_path: Path, old: str, new: str, why: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(MINE.replace(old, new, 1).replace("1024]", "65536]"), encoding="utf-8")
    base = open_user_model(path)
    with pytest.raises(AppError, match=rf"bad\.yaml{why}"):
        ensure_traced(base)
    assert not trace_file(base).exists()


def test_too_many_modules_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text(
        MINE.replace("[-1, 3, C2f", "[-1, 200, C2f").replace("[0.5, 0.25", "[8, 0.25"), encoding="utf-8"
    )
    with pytest.raises(AppError, match=r"deep\.yaml has \d+ modules"):
        open_user_model(path)


def test_the_command_line_looks_by_itself(mine: Path, tmp_path: Path) -> None:
    made = tmp_path / "light.yaml"
    verbs = (
        ["cost", str(mine), "--json"],
        ["design", "--base", str(mine), "--swap", "model.2=separable", "-o", str(made), "--json"],
        ["layers", "--base", str(mine), "--json"],
    )
    code = "import sys\nfrom app import cli\nsys.exit(cli.run(sys.argv[1:]))"
    said = [
        subprocess.run([sys.executable, "-c", code, *verb], capture_output=True, text=True, check=True).stdout
        for verb in verbs
    ]
    cost, design, layers = map(json.loads, said)
    assert cost["standard"]["parameters"] > 10_000
    assert design["cost"]["lightweight"]["parameters"] < cost["standard"]["parameters"]
    assert layers["modules"][0]["path"] == "model.0"
    assert load_design(made).swaps == (("model.2", Swap("separable")),)


def test_the_engine_looks_on_request(mine: Path) -> None:
    from app.engine.jobs import JOBS
    from app.engine.user_models import run

    base = open_user_model(mine)
    assert JOBS["architecture.trace"] == "app.engine.user_models:run"
    assert run({"base": base}, None) == {"base": base}
    assert Design.stock(base).architecture.classes == 80
