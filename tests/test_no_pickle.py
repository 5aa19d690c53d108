"""No code of the package loads a pickle: a file that a stranger sent must not be able to run anything."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mining_the_mines

SOURCE = Path(mining_the_mines.__file__).parent
#: Modules that unpickle what they read.
MODULES = {"pickle", "_pickle", "cloudpickle", "dill", "shelve", "joblib", "marshal", "jsonpickle"}
#: Of these modules, what can be had without reading anything.
HARMLESS = {"pickle.UnpicklingError", "pickle.PicklingError"}
#: Functions that unpickle whatever they are told.
FUNCTIONS = {"read_pickle", "to_pickle", "load_from_checkpoint", "unsafe_load", "full_load"}
#: Functions that unpickle unless an argument says no: by the end of their name, the argument and what it must be.
UNLESS_TOLD = {
    "torch.load": ("weights_only", True),
    "load_state_dict_from_url": ("weights_only", True),
    "trainer.fit": ("weights_only", True),
}
#: Functions that unpickle if an argument says so.
IF_TOLD = {"np.load": "allow_pickle", "numpy.load": "allow_pickle", "np.save": "allow_pickle"}
#: The one module that loads programs of torch.export, which may run code: of registered models (docs/serving.md).
SERVED = Path("registry/served_model.py")


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def of_pickles(module: str | None) -> bool:
    return (module or "").split(".")[0] in MODULES


def argument(call: ast.Call, name: str) -> object:
    given = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    return given.value if isinstance(given, ast.Constant) else given


def unpickles(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return of_pickles(node.module) and any(f"{node.module}.{name.name}" not in HARMLESS for name in node.names)
    if isinstance(node, ast.Import):  # by another name, it would not be known
        return any(of_pickles(name.name) and (name.asname or name.name != "pickle") for name in node.names)
    if isinstance(node, ast.Attribute):
        return of_pickles(dotted(node)) and dotted(node) not in HARMLESS
    if not isinstance(node, ast.Call):
        return False
    called = dotted(node.func)
    unless = next((rule for name, rule in UNLESS_TOLD.items() if called.endswith(name)), None)
    return (
        called.rpartition(".")[2] in FUNCTIONS
        or f".{called}".endswith(".export.load")
        or (unless is not None and argument(node, unless[0]) is not unless[1])
        or (called in IF_TOLD and argument(node, IF_TOLD[called]) not in (None, False))
    )


def faults(text: str) -> Iterator[int]:
    tree = ast.parse(text)
    yield from (node.lineno for node in ast.walk(tree) if unpickles(node) and isinstance(node, ast.stmt | ast.expr))
    # By another name, it would not be known.
    yield from (
        node.lineno for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "torch.export"
        and any(name.name == "load" for name in node.names)
    )  # fmt: skip


def test_no_module_loads_a_pickle() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{line}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path != SOURCE / SERVED
        for line in faults(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    ["pickle.load(file)", "from pickle import loads", "from joblib import load", "cloudpickle.loads(b'')",
     "torch.load(path)", "torch.load(path, weights_only=False)", "np.load(path, allow_pickle=True)",
     "np.load(path, allow_pickle=told)", "pd.read_pickle(path)", "MineDetection.load_from_checkpoint(path)",
     "trainer.fit(module, ckpt_path=path)", "yaml.unsafe_load(text)",
     "import pickle as known", "import joblib", "torch.export.load(path)", "from torch.export import load"],
)  # fmt: skip
def test_pickles_are_noticed(text: str) -> None:
    assert list(faults(text))


@pytest.mark.parametrize(
    "text",
    ["torch.load(path, weights_only=True)", "np.load(path)", "np.load(path, allow_pickle=False)",
     "yaml.safe_load(text)", "import pickle", "except_of = pickle.UnpicklingError"],
)  # fmt: skip
def test_others_pass(text: str) -> None:
    assert not list(faults(text))
