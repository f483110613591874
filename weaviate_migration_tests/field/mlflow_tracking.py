"""The tracking store of MLflow: experiments, runs with parameters, metrics and tags, a registered model."""

from pathlib import Path

from mlflow import MlflowClient


def make(file: Path) -> None:
    client = _client(file)
    experiment = client.create_experiment("größen", artifact_location=str(file.parent / "artifacts"))
    for number in range(4):
        _run(client, experiment, number)
    client.create_registered_model("sizes", tags={"team": "field"}, description="of the field")
    client.create_model_version("sizes", source=str(file.parent / "model"))
    client.set_registered_model_alias("sizes", "champion", "1")


def write_more(file: Path) -> None:
    client = _client(file)
    (experiment,) = client.search_experiments(filter_string="name = 'größen'")
    _run(client, experiment.experiment_id, 4)
    first, *_, last = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    client.set_tag(first.info.run_id, "seen", "yes")
    client.delete_run(last.info.run_id)
    client.delete_tag(first.info.run_id, "note")


def _client(file: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{file}", registry_uri=f"sqlite:///{file}")


def _run(client: MlflowClient, experiment: str, number: int) -> None:
    run = client.create_run(experiment, run_name=f"run {number}", tags={"note": "länger"}).info.run_id
    client.log_param(run, "depth", number)
    for step in range(10):
        client.log_metric(run, "loss", float("nan") if step == 9 else 1 / (step + number + 1), step=step)
    client.log_metric(run, "bound", float("inf"))
    client.set_terminated(run, "FINISHED" if number % 2 else "FAILED")
