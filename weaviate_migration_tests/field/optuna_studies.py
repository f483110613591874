"""The storage of Optuna: a study with parameters, intermediate values, attributes, a failed and a pruned trial."""

from pathlib import Path

import optuna


def make(file: Path) -> None:
    optuna.logging.disable_default_handler()
    study = optuna.create_study(
        study_name="größte", storage=f"sqlite:///{file}", sampler=optuna.samplers.RandomSampler(seed=3)
    )
    study.set_user_attr("team", {"of": "the field"})
    study.optimize(_objective, n_trials=12, catch=ValueError)


def write_more(file: Path) -> None:
    optuna.logging.disable_default_handler()
    study = optuna.load_study(
        study_name="größte", storage=f"sqlite:///{file}", sampler=optuna.samplers.RandomSampler(seed=4)
    )
    study.optimize(_objective, n_trials=3, catch=ValueError)
    study.set_user_attr("team", "another")


def _objective(trial: optuna.Trial) -> float:
    x: float = trial.suggest_float("x", -10, 10)
    kind = trial.suggest_categorical("kind", ["a", "b", None])
    trial.suggest_int("depth", 1, 2**40, log=True)
    trial.set_user_attr("note", f"x is {x}")
    for step in range(3):
        trial.report(float("inf") if step == 0 else x / step, step)
    if trial.number == 4:
        raise ValueError("of the trial itself")
    if trial.number == 5:
        raise optuna.TrialPruned
    return x * x + int(kind == "a")
