"""The Helm chart: what it makes is valid, fits together, and refuses what cannot work."""

import base64
import copy
import json
import re
from collections.abc import Callable
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from chart import CHART, TRIAL, Rendered, Resource, helm, refused, rendered, settings
from kubernetes_api import cluster

import riverd
from riverd.service.settings import describe

BROKER = {"broker.url": "rediss://valkey.example.com:6379"}
PRODUCTION = {
    **BROKER,
    "broker.existingSecret": "valkey",
    "existingSecret": "river-keys",
    "ingress.enabled": "true",
    "ingress.host": "rt.example.com",
    "ingress.tlsSecret": "rt",
    "gateway.autoscaling.connections": "5000",
    "gateway.podAnnotations": '{"prometheus.io/scrape":"true"}',
    "gateway.tolerations": '[{"key":"sockets","operator":"Exists"}]',
    "gateway.nodeSelector": '{"pool":"sockets"}',
    "imagePullSecrets": '[{"name":"registry"}]',
    "networkPolicy.apiFrom": '[{"namespaceSelector":{"matchLabels":{"app":"shop"}}}]',
    "networkPolicy.metricsFrom": '[{"namespaceSelector":{"matchLabels":{"app":"prometheus"}}}]',
    "serviceMonitor.enabled": "true",
}
PLAIN = {
    **BROKER,
    "gateway.autoscaling.enabled": "false",
    "gateway.service.type": "LoadBalancer",
    "networkPolicy.enabled": "false",
    "serviceAccount.name": "default",
}
ROUTE = {
    **BROKER,
    "gatewayApi.enabled": "true",
    "gatewayApi.host": "rt.example.com",
    "gatewayApi.parentRefs": '[{"name":"public"}]',
}
INSTALLATIONS = {"trial": TRIAL, "production": PRODUCTION, "plain": PLAIN, "route": ROUTE}
# Kinds that Kubernetes itself does not know: they come with an operator.
FOREIGN = {"HTTPRoute", "ServiceMonitor"}
PING_S = 25
DRY_RUN = ["--namespace", "apps", "--dry-run=server", "--disable-openapi-validation"]
VERSIONS = ["1.27", "1.37"]
# Set by the chart itself, from values of other names, or by the image.
OURS = {
    "SECRETS",
    "SECRETS_FROM",
    "API_KEYS",
    "API_KEYS_FROM",
    # Keys are no plain settings, and the chart has no Secret for these.
    "READ_KEYS",
    "WEBHOOKS",
    "BROKER",
    "BROKER_PASSWORD",
    "BROKER_PASSWORD_FROM",
    "HOST",
    "PORT",
    "API_HOST",
    "API_PORT",
    "DRAIN_S",
    "NODE_NAME",
}


@pytest.fixture(scope="module", params=INSTALLATIONS, ids=str)
def installation(request: pytest.FixtureRequest) -> Rendered:
    return rendered(INSTALLATIONS[request.param])


@pytest.fixture(scope="module")
def trial() -> Rendered:
    return rendered(TRIAL)


@pytest.fixture(scope="module")
def production() -> Rendered:
    return rendered(PRODUCTION)


def check(resource: Resource, version: str = VERSIONS[-1]) -> None:
    kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("values", INSTALLATIONS.values(), ids=INSTALLATIONS)
def test_chart_passes_helms_own_check(values: dict[str, str]) -> None:
    done = helm("lint", "--strict", str(CHART), *settings(values))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_everything_is_what_kubernetes_takes(installation: Rendered, version: str) -> None:
    ours = [one for one in installation.all if one["kind"] not in FOREIGN]
    assert len(ours) >= 6
    for resource in ours:
        check(resource, version)


def _misspell(deployment: Resource) -> None:
    deployment["spec"]["replicsa"] = 2


def _mistype(deployment: Resource) -> None:
    deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = "fifty"


def _omit(deployment: Resource) -> None:
    del deployment["spec"]["selector"]


def _misplace(deployment: Resource) -> None:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["fsGroup"] = 10001


def _invent(deployment: Resource) -> None:
    deployment["kind"] = "Deployement"


@pytest.mark.parametrize("spoil", [_misspell, _mistype, _omit, _misplace, _invent])
def test_the_check_sees_each_kind_of_mistake(
    trial: Rendered, spoil: Callable[[Resource], None]
) -> None:
    deployment = copy.deepcopy(trial.one("Deployment", "-gateway"))
    check(deployment)
    spoil(deployment)
    with pytest.raises(
        (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError)
    ):
        check(deployment)


WRONG = {
    "a name that is not known": ("gatway.replicas=2", "gatway"),
    "a name inside that is not known": ("gateway.replica=2", "replica"),
    "a text for a number": ("gateway.replicas=two", "replicas"),
    "no gateway": ("gateway.replicas=0", "replicas"),
    "a text for yes or no": ("ingress.enabled=maybe", "enabled"),
    "a setting that is not one": ("settings.HISTROY_SIZE=5", "HISTROY_SIZE"),
    "a setting that the chart makes": ("settings.SECRETS=0123456789", "SECRETS"),
    "a password in a URL": ("broker.url=redis://river:secret@host:6379", "broker.url"),
    "another broker": ("broker.url=amqp://host", "broker.url"),
    "a host with a scheme": ("ingress.host=https://rt.example.com", "host"),
    "metrics for everyone": ('ingress.paths=["/"]', "paths"),
    "a wrong type of service": ("api.service.type=Public", "type"),
    "memory that is no amount": ("gateway.resources.limits.memory=lots", "memory"),
    "a drain without an end": ("gateway.drainSeconds=100000", "drainSeconds"),
    "more than a quarter of a policy": ('networkPolicy.apiFrom=[{"pods":{}}]', "pods"),
}


@pytest.mark.parametrize(("value", "named"), WRONG.values(), ids=WRONG)
def test_values_that_cannot_work_are_refused_by_name(value: str, named: str) -> None:
    name, _, text = value.partition("=")
    said = refused({"valkey.enabled": "true", name: text})
    assert named in said.replace("/", ".")
    assert "don't meet the specifications of the schema" in said


MISSING = {
    "broker.url is missing": {},
    "broker.url and valkey.enabled are both set": {**TRIAL, **BROKER},
    "ingress.host is missing": {**TRIAL, "ingress.enabled": "true"},
    "gatewayApi.host is missing": {
        **TRIAL,
        "gatewayApi.enabled": "true",
        "gatewayApi.parentRefs": '[{"name":"a"}]',
    },
    "gatewayApi.parentRefs is missing": {
        **TRIAL,
        "gatewayApi.enabled": "true",
        "gatewayApi.host": "rt.example.com",
    },
    "minReplicas is more than maxReplicas": {**TRIAL, "gateway.autoscaling.minReplicas": "11"},
}


@pytest.mark.parametrize("said", MISSING)
def test_what_is_missing_is_named(said: str) -> None:
    assert said in refused(MISSING[said])


def test_settings_are_those_of_river() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    allowed = set(schema["properties"]["settings"]["properties"])
    known = {setting.variable.removeprefix("RIVER_") for setting in describe()}
    # A new setting goes into values.schema.json, or into OURS if the chart makes it.
    assert allowed == known - OURS


def test_every_value_that_is_set_is_allowed_and_described() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert set(values) == set(schema["properties"]) - {"global"}


def test_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == chart["version"] == riverd.__version__


@pytest.mark.parametrize("drain_s", [0, 30, 300])
def test_a_gateway_has_time_to_move_its_clients(drain_s: int) -> None:
    found = rendered({**TRIAL, "gateway.drainSeconds": str(drain_s)})
    command = found.container("gateway")["lifecycle"]["preStop"]["exec"]["command"]
    assert (command[0], int(command[1]) > 0) == ("sleep", True)
    drained_s = int(command[1]) + float(found.environment("gateway")["RIVER_DRAIN_S"])
    assert found.pod("gateway")["terminationGracePeriodSeconds"] >= drained_s + 10


def test_balancers_notice_a_leaving_gateway_before_it_drains(trial: Rendered) -> None:
    container = trial.container("gateway")
    ready = container["readinessProbe"]
    pause_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert ready["httpGet"]["path"] == "/readyz"
    assert ready["periodSeconds"] * ready["failureThreshold"] <= pause_s
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_timeouts_of_the_ingress_leave_room_for_pings(production: Rendered) -> None:
    annotations = production.one("Ingress")["metadata"]["annotations"]
    for name in ("read", "send"):
        timeout_s = int(annotations[f"nginx.ingress.kubernetes.io/proxy-{name}-timeout"])
        assert timeout_s >= 3 * PING_S


def test_another_ingress_controller_gets_no_words_of_nginx() -> None:
    found = rendered({**PRODUCTION, "ingress.className": "traefik"})
    assert "nginx" not in found.text


def test_route_sets_no_end_for_websockets() -> None:
    (rule,) = rendered(ROUTE).one("HTTPRoute")["spec"]["rules"]
    assert rule["timeouts"] == {"request": "0s", "backendRequest": "0s"}
    assert {"path": {"type": "PathPrefix", "value": "/ws"}} in rule["matches"]


def test_only_gateways_can_be_had_from_outside(installation: Rendered) -> None:
    for resource in (*installation.of("Ingress"), *installation.of("HTTPRoute")):
        assert "live-river-api" not in json.dumps(resource)
        assert "/metrics" not in json.dumps(resource)
    for service in installation.of("Service"):
        inside = service["metadata"]["name"].endswith(("-api", "-valkey"))
        assert not inside or service["spec"].get("type", "ClusterIP") == "ClusterIP"


def test_pods_have_no_rights_that_they_do_not_need(installation: Rendered) -> None:
    for deployment in installation.of("Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def test_secrets_are_files_and_a_gateway_does_not_see_the_keys(installation: Rendered) -> None:
    for part in ("gateway", "api"):
        environment = installation.environment(part)
        assert environment["RIVER_SECRETS_FROM"] == "file:///run/river/keys/secrets"
        assert not {"RIVER_SECRETS", "RIVER_API_KEYS", "RIVER_BROKER_PASSWORD"} & set(environment)
        (mount,) = [
            one for one in installation.container(part)["volumeMounts"] if one["name"] == "keys"
        ]
        # A file that is mounted by `subPath` never changes.
        assert mount == {"name": "keys", "mountPath": "/run/river/keys", "readOnly": True}
    volumes = {one["name"]: one for one in installation.pod("gateway")["volumes"]}
    assert [one["key"] for one in volumes["keys"]["secret"]["items"]] == ["secrets"]


def test_selectors_find_their_pods_and_no_others(installation: Rendered) -> None:
    pods = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"]
        for one in installation.of("Deployment")
    }
    for service in installation.of("Service"):
        wanted = service["spec"]["selector"].items()
        assert [name for name in pods if wanted <= pods[name].items()] == [
            service["metadata"]["name"]
        ]


def test_autoscaling_is_by_cpu_and_by_connections_if_asked(
    trial: Rendered, production: Rendered
) -> None:
    assert [one["type"] for one in trial.one("HorizontalPodAutoscaler")["spec"]["metrics"]] == [
        "Resource"
    ]
    cpu, connections = production.one("HorizontalPodAutoscaler")["spec"]["metrics"]
    assert cpu["resource"]["target"]["averageUtilization"] == 60
    assert connections["pods"]["metric"]["name"] == "river_connections"
    # Whoever scales decides how many there are.
    assert "replicas" not in trial.one("Deployment", "-gateway")["spec"]
    assert rendered(PLAIN).one("Deployment", "-gateway")["spec"]["replicas"] == 2
    assert trial.container("gateway")["resources"]["requests"]["cpu"]


def test_nodes_can_be_emptied_but_not_of_all_gateways_at_once(installation: Rendered) -> None:
    budget = installation.one("PodDisruptionBudget", "-gateway")["spec"]
    assert budget["maxUnavailable"] == 1
    spread = installation.pod("gateway")["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]


def test_network_policies_let_in_whom_they_should(trial: Rendered, production: Rendered) -> None:
    (gateway,) = trial.one("NetworkPolicy", "-gateway")["spec"]["ingress"]
    assert "from" not in gateway
    (valkey,) = trial.one("NetworkPolicy", "-valkey")["spec"]["ingress"]
    parts = [
        one["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for one in valkey["from"]
    ]
    assert parts == ["gateway", "api"]
    (api,) = production.one("NetworkPolicy", "-api")["spec"]["ingress"]
    assert [one["namespaceSelector"]["matchLabels"]["app"] for one in api["from"]] == [
        "shop",
        "prometheus",
    ]


def test_long_names_stay_within_kubernetes_limits() -> None:
    found = rendered(TRIAL, name="a" * 53)
    assert max(len(one["metadata"]["name"]) for one in found.all) <= 63


def test_secrets_that_are_made_are_256_random_bits() -> None:
    words = []
    for found in (rendered(TRIAL), rendered(TRIAL)):
        for secret in found.of("Secret"):
            words += [base64.b64decode(one).decode() for one in secret["data"].values()]
    assert len(set(words)) == len(words) == 6
    assert all(re.fullmatch(r"[0-9a-f]{64}", word) for word in words)


def test_secrets_that_are_there_stay_as_they_are(tmp_path: Path) -> None:
    there = {
        "live-river-keys": {"secrets": base64.b64encode(b"s" * 40 + b"," + b"t" * 40).decode()},
        "live-river-valkey": {"password": base64.b64encode(b"p" * 64).decode()},
    }
    with cluster(there, tmp_path) as config:
        command = ["template", "live", str(CHART), *DRY_RUN, *settings(TRIAL)]
        done = helm(*command, config=config)
        assert done.returncode == 0, done.stderr
        found = Rendered(done.stdout)
    keys = found.one("Secret", "-keys")
    assert keys["data"]["secrets"] == there["live-river-keys"]["secrets"]
    assert found.one("Secret", "-valkey")["data"] == there["live-river-valkey"]
    # An entry that is not there yet is made.
    assert len(base64.b64decode(keys["data"]["api-keys"])) == 64
    assert keys["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_a_secret_of_ones_own_is_used_and_none_is_made(production: Rendered) -> None:
    assert production.of("Secret") == []
    volumes = {one["name"]: one for one in production.pod("api")["volumes"]}
    assert volumes["keys"]["secret"]["secretName"] == "river-keys"
    assert volumes["broker"]["secret"]["secretName"] == "valkey"


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (TRIAL, ["nothing leads to them from outside yet", "is for trials"]),
        (PRODUCTION, ["wss://rt.example.com/ws", "get secret river-keys"]),
        ({**PLAIN, "gateway.replicas": "1"}, ["Two are better"]),
    ],
)
def test_notes_say_what_is_next(values: dict[str, str], wanted: list[str], tmp_path: Path) -> None:
    with cluster({}, tmp_path) as config:
        command = ["install", "live", str(CHART), *DRY_RUN, *settings(values)]
        done = helm(*command, config=config)
    assert done.returncode == 0, done.stderr
    notes = done.stdout.partition("NOTES:")[2]
    assert [text for text in wanted if text not in notes] == []
    assert "live-river-api.apps" in notes
