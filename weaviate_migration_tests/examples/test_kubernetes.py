"""The manifests, and the pods that Dagster makes: judged by Kubernetes' own schemas, and names held to each other."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import (
    DagsterK8sJobConfig,
    UserDefinedDagsterK8sConfig,
    construct_dagster_k8s_job,
    get_user_defined_k8s_config,
)
from dagster_k8s.launcher import K8sRunLauncher
from kubernetes.client import ApiClient

from weaviate_migration.runs.executors import ChosenExecutor, read_executor
from weaviate_migration_tests.examples.commands import (
    EXAMPLES,
    named_in_environment,
    refuse_wrong_settings,
    refuse_wrong_words,
    shown_commands,
    variables_in_file,
)

FOLDER = EXAMPLES / "kubernetes"
MANIFESTS = FOLDER / "manifests"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text("utf-8"))
VALUES: dict[str, Any] = yaml.safe_load((FOLDER / "values.yaml").read_text("utf-8"))
RESOURCES: list[dict[str, Any]] = [
    each for name in KUSTOMIZATION["resources"] for each in yaml.safe_load_all((MANIFESTS / name).read_text("utf-8"))
]
SETTINGS = variables_in_file(MANIFESTS / "settings.env")
SECRET = variables_in_file(FOLDER / "secrets.env.example")
NAMESPACE = KUSTOMIZATION["namespace"]
IMAGE = "{newName}:{newTag}".format(**KUSTOMIZATION["images"][0])
# The oldest and the newest that are in use.
VERSIONS = ("1.34", "1.37")


def named(kind: str) -> dict[str, Any]:
    (found,) = [each for each in RESOURCES if each["kind"] == kind]
    return found


def pods() -> list[dict[str, Any]]:
    return [named(kind)["spec"]["template"]["spec"] for kind in ("Deployment", "Job")]


def executor() -> ChosenExecutor:
    return read_executor(MANIFESTS / "executor.yaml")


def refuse_wrong_resource(resource: dict[str, Any], version: str = VERSIONS[-1]) -> None:
    kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each["kind"])
def test_a_resource_is_one_of_kubernetes(resource: dict[str, Any], version: str) -> None:
    refuse_wrong_resource(resource, version)


@pytest.mark.parametrize(("field", "value"), [("restartPolicyy", "Never"), ("terminationGracePeriodSeconds", "soon")])
def test_mistakes_in_one_would_be_found(field: str, value: str) -> None:
    wrong = copy.deepcopy(named("Job"))
    wrong["spec"]["template"]["spec"][field] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        refuse_wrong_resource(wrong)


def run_launcher() -> dict[str, Any]:
    """What Dagster makes of the launcher's config, which the executor of pods needs, too."""
    told = yaml.safe_load((MANIFESTS / "dagster.yaml").read_text("utf-8"))["run_launcher"]
    assert (told["module"], told["class"]) == (K8sRunLauncher.__module__.partition(".")[0], K8sRunLauncher.__name__)
    config_type = resolve_to_config_type(K8sRunLauncher.config_type())  # type: ignore[no-untyped-call]
    processed = process_config(config_type, told["config"])
    assert processed.success, processed.errors
    return dict(processed.value or {})


def job_of_a_step(tags: dict[str, str]) -> dict[str, Any]:
    """The Job that Dagster makes for a step with these tags, as it is sent to Kubernetes."""
    config = executor().config
    context = K8sContainerContext(
        image_pull_policy=config["image_pull_policy"],
        service_account_name=config["service_account_name"],
        env_config_maps=config["env_config_maps"],
        env_secrets=config["env_secrets"],
        namespace=config["job_namespace"],
        run_k8s_config=UserDefinedDagsterK8sConfig.from_dict(config["step_k8s_config"]),  # type: ignore[no-untyped-call]
    ).merge(K8sContainerContext(run_k8s_config=get_user_defined_k8s_config(tags)))
    launcher = run_launcher()
    job = construct_dagster_k8s_job(
        DagsterK8sJobConfig(
            job_image=config["job_image"],
            dagster_home=launcher["dagster_home"],
            instance_config_map=launcher["instance_config_map"],
        ),
        ["dagster", "api", "execute_step"],
        "step",
        user_defined_k8s_config=context.run_k8s_config,
        pod_name="step",
        component="step_worker",
    )
    sent: dict[str, Any] = ApiClient().sanitize_for_serialization(job)
    return sent


@pytest.mark.parametrize("at_the_source", [False, True])
def test_the_pod_of_a_step_is_one_that_kubernetes_takes(at_the_source: bool) -> None:
    job = job_of_a_step(dict(executor().source_tags) if at_the_source else {})
    refuse_wrong_resource(job)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == IMAGE
    assert pod["serviceAccountName"] == named("ServiceAccount")["metadata"]["name"]
    assert (pod.get("nodeSelector") == pods()[1]["nodeSelector"]) is at_the_source
    mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    assert {each["name"]: each.get("value") for each in container["env"]}["DAGSTER_HOME"] == SETTINGS["DAGSTER_HOME"]
    assert mounts.keys() == {
        SETTINGS["DAGSTER_HOME"],
        "/etc/weaviate-migration",
        *(["/source"] if at_the_source else []),
    }
    assert set(mounts.values()) == {each["name"] for each in pod["volumes"]}
    assert is_confined(pod)


def is_confined(pod: dict[str, Any]) -> bool:
    """Whether it keeps to what the namespace enforces: `restricted`, of the pod security standards."""
    of_pod = pod["securityContext"]
    return (
        of_pod["runAsNonRoot"] is True
        and of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
        and all(
            each["securityContext"]["allowPrivilegeEscalation"] is False
            and each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            for each in pod["containers"]
        )
    )


def test_nobody_may_more_than_the_namespace_allows() -> None:
    assert named("Namespace")["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    assert all(map(is_confined, pods()))


def test_the_commands_are_commands() -> None:
    here = {SETTINGS["WEAVIATE_MIGRATION_EXECUTOR"]: str(MANIFESTS / "executor.yaml")}
    for pod in pods():
        (container,) = pod["containers"]
        refuse_wrong_words([here.get(each, each) for each in container["args"]])
        for probe in [container["readinessProbe"]] if "readinessProbe" in container else []:
            refuse_wrong_words(probe["exec"]["command"])


def test_its_settings_are_settings() -> None:
    refuse_wrong_settings({**SETTINGS, "WEAVIATE_MIGRATION_API_KEY": "key"})
    assert {each for each in SECRET if each.startswith("WEAVIATE")} == {"WEAVIATE_MIGRATION_API_KEY"}
    assert not any(SECRET.values())
    assert SETTINGS.keys().isdisjoint(SECRET)


def config_maps() -> set[str]:
    return {each["name"] for each in KUSTOMIZATION["configMapGenerator"]}


def names_under(key: str, value: Any) -> Iterator[str]:
    """The names that references of this kind have: of `configMapRef: {name: …}` for instance."""
    if isinstance(value, dict):
        for name, below in value.items():
            if name == key:
                yield from (each["name"] for each in (below if isinstance(below, list) else [below]))
            yield from names_under(key, below)
    elif isinstance(value, list):
        for each in value:
            yield from names_under(key, each)


def test_what_is_referred_to_is_there() -> None:
    referred = {*names_under("configMapRef", pods()), *names_under("configMap", [pods(), VALUES])}
    referred |= {*names_under("envConfigMaps", VALUES), *executor().config["env_config_maps"]}
    assert referred | {run_launcher()["instance_config_map"]} == config_maps()
    assert {
        *names_under("secretRef", pods()),
        *names_under("envSecrets", VALUES),
        *executor().config["env_secrets"],
    } == {"weaviate-migration"}
    assert KUSTOMIZATION["generatorOptions"]["disableNameSuffixHash"] is True
    files = [file for each in KUSTOMIZATION["configMapGenerator"] for file in each.get("files", each.get("envs"))]
    assert sorted([*files, *KUSTOMIZATION["resources"], "kustomization.yaml"]) == sorted(
        each.name for each in MANIFESTS.iterdir()
    )


def test_files_are_where_the_settings_say() -> None:
    for pod in pods():
        (container,) = pod["containers"]
        mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
        assert mounts.keys() >= {"/tmp", "/data", SETTINGS["DAGSTER_HOME"]}
        for name in ("WEAVIATE_MIGRATION_EXECUTOR", "WEAVIATE_MIGRATION_SQLITE_URL"):
            assert str(Path(SETTINGS[name]).parent) in mounts
        assert {each["name"] for each in pod["volumes"]} == set(mounts.values())


def test_one_image_everywhere() -> None:
    assert executor().config["job_image"] == IMAGE
    assert {each["image"] for pod in pods() for each in pod["containers"]} == {KUSTOMIZATION["images"][0]["name"]}
    (code,) = pods()[0]["containers"]
    assert {"name": "DAGSTER_CURRENT_IMAGE", "value": IMAGE} in code["env"]


def test_a_run_may_start_the_pods_of_its_steps() -> None:
    (jobs,) = [each for each in named("Role")["rules"] if each["apiGroups"] == ["batch"]]
    assert {"create", "delete", "get", "list", "watch"} <= set(jobs["verbs"])
    name = named("ServiceAccount")["metadata"]["name"]
    assert named("RoleBinding")["subjects"] == [{"kind": "ServiceAccount", "name": name}]
    assert {pod["serviceAccountName"] for pod in pods()} == {name}


def test_the_values_name_what_the_manifests_make() -> None:
    (server,) = VALUES["dagsterWebserver"]["workspace"]["servers"]
    service = named("Service")
    assert (server["host"], server["port"]) == (service["metadata"]["name"], service["spec"]["ports"][0]["port"])
    launcher = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
    namespaces = (launcher["jobNamespace"], executor().config["job_namespace"], run_launcher()["job_namespace"])
    assert set(namespaces) == {NAMESPACE}
    postgres = VALUES["postgresql"]
    assert SETTINGS["DAGSTER_POSTGRES_URL"] == (
        f"{postgres['postgresqlScheme']}://{postgres['postgresqlUsername']}@{postgres['postgresqlHost']}"
        f"/{postgres['postgresqlDatabase']}"
    )


def test_dagster_is_told_the_same_as_with_celery_and_where_its_home_is() -> None:
    ours = yaml.safe_load((MANIFESTS / "dagster.yaml").read_text("utf-8"))
    of_celery = yaml.safe_load((EXAMPLES / "celery" / "dagster.yaml").read_text("utf-8"))
    assert {name: value for name, value in ours.items() if name != "run_launcher"} == of_celery
    assert named_in_environment(ours) <= SETTINGS.keys()
    assert run_launcher()["dagster_home"] == SETTINGS["DAGSTER_HOME"]


@pytest.mark.parametrize("words", [each for each in shown_commands(FOLDER) if each[0] == "kubectl"], ids=" ".join)
def test_the_readme_names_what_there_is(words: list[str]) -> None:
    files = [each.removeprefix("--from-env-file=") for each in words if "manifests" in each or "secrets" in each]
    assert [each for each in files if not (FOLDER / f"{each}{'.example' * each.startswith('secrets')}").exists()] == []
    assert {words[number + 1] for number, each in enumerate(words) if each == "-n"} <= {NAMESPACE}
