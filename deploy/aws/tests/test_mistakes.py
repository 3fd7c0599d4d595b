"""Realistic mistakes, planted one by one into the template: a check of ours catches each."""

from collections.abc import Callable

import pytest
from aws_template import Template
from aws_variants import Synthesised
from test_stack import CHECKS

Plant = Callable[[Template], None]
MISTAKES: dict[str, tuple[Plant, str]] = {}
MISTAKES_MIN = 24


def mistake(found_by: str) -> Callable[[Plant], Plant]:
    """A mistake, and which check must find it: not just any."""

    def note(plant: Plant) -> Plant:
        MISTAKES[plant.__name__] = (plant, found_by)
        return plant

    return note


def _container(template: Template) -> dict[str, object]:
    (container,) = template.one("ECS::TaskDefinition", "Gateways")["ContainerDefinitions"]
    return container


def _tell(template: Template, name: str, value: str) -> None:
    pairs = _container(template)["Environment"]
    assert isinstance(pairs, list)
    next(pair for pair in pairs if pair["Name"] == name)["Value"] = value


def _attribute(template: Template, kind: str, *, key: str, value: str) -> None:
    listed = "TargetGroupAttributes" if kind.endswith("TargetGroup") else "LoadBalancerAttributes"
    pairs = template.one(kind)[listed]
    next(pair for pair in pairs if pair["Key"] == key)["Value"] = value


def _place(template: Template) -> dict[str, object]:
    configuration = template.one("ECS::Service")["NetworkConfiguration"]
    place: dict[str, object] = configuration["AwsvpcConfiguration"]
    return place


def _ingress(template: Template, part: str) -> dict[str, object]:
    return template.one("EC2::SecurityGroupIngress", part)


def _statement(template: Template, role: str) -> dict[str, object]:
    policy = template.one("IAM::Role", role)["Policies"][0]["PolicyDocument"]
    statement: dict[str, object] = policy["Statement"][0]
    return statement


def _distribution(template: Template) -> dict[str, object]:
    config: dict[str, object] = template.one("CloudFront::Distribution")["DistributionConfig"]
    return config


def _behaviour(template: Template) -> dict[str, object]:
    behaviour = _distribution(template)["DefaultCacheBehavior"]
    assert isinstance(behaviour, dict)
    return behaviour


# Sizes and kinds.


@mistake("check_valkey")
def node_type_that_there_is_not(template: Template) -> None:
    template.one("ElastiCache::ReplicationGroup")["CacheNodeType"] = "cache.t4g.mikro"


@mistake("check_valkey")
def engine_that_there_is_not(template: Template) -> None:
    template.one("ElastiCache::ReplicationGroup")["Engine"] = "valkay"


@mistake("check_valkey")
def parameters_of_another_version(template: Template) -> None:
    template.one("ElastiCache::ParameterGroup")["CacheParameterGroupFamily"] = "valkey7"


@mistake("check_valkey")
def logs_are_evicted_when_memory_is_short(template: Template) -> None:
    template.one("ElastiCache::ParameterGroup")["Properties"]["maxmemory-policy"] = "allkeys-lru"


@mistake("check_valkey")
def failover_without_a_replica(template: Template) -> None:
    template.one("ElastiCache::ReplicationGroup")["AutomaticFailoverEnabled"] = True


@mistake("check_tasks")
def size_of_task_that_there_is_not(template: Template) -> None:
    template.one("ECS::TaskDefinition").update({"Cpu": "256", "Memory": "4096"})


@mistake("check_tasks")
def too_few_files(template: Template) -> None:
    _container(template)["Ulimits"] = [{"Name": "nofile", "SoftLimit": 1024, "HardLimit": 65536}]


@mistake("check_tasks")
def image_for_intel(template: Template) -> None:
    template.one("ECS::TaskDefinition")["RuntimePlatform"]["CpuArchitecture"] = "X86_64"


@mistake("check_tasks")
def root_that_can_be_written(template: Template) -> None:
    _container(template)["ReadonlyRootFilesystem"] = False


@mistake("check_connections")
def more_connections_than_files(template: Template) -> None:
    _tell(template, "RIVER_MAX_CONNECTIONS", "100000")


@mistake("check_services")
def deployment_that_is_not_taken_back(template: Template) -> None:
    configuration = template.one("ECS::Service")["DeploymentConfiguration"]
    configuration["DeploymentCircuitBreaker"]["Rollback"] = False


@mistake("check_services")
def deployment_that_sets_back_the_scaling(template: Template) -> None:
    template.one("ECS::Service")["DesiredCount"] = 2


@mistake("check_scaling")
def scaling_by_processor_only(template: Template) -> None:
    del template.raw["Resources"][
        template.id_of("ApplicationAutoScaling::ScalingPolicy", "Connections")
    ]


@mistake("check_lambda")
def functions_on_another_processor_than_their_package(template: Template) -> None:
    template.one("Lambda::Function", "Publish")["Architectures"] = ["x86_64"]


# Times.


@mistake("check_stopping")
def stop_timeout_longer_than_fargate_has(template: Template) -> None:
    _container(template)["StopTimeout"] = 300


@mistake("check_stopping")
def stop_timeout_shorter_than_the_drain(template: Template) -> None:
    _container(template)["StopTimeout"] = 30


@mistake("check_idle")
def balancer_idle_longer_than_it_can(template: Template) -> None:
    _attribute(
        template,
        "ElasticLoadBalancingV2::LoadBalancer",
        key="idle_timeout.timeout_seconds",
        value="5000",
    )


@mistake("check_idle")
def balancer_idle_as_it_is_by_default(template: Template) -> None:
    _attribute(
        template,
        "ElasticLoadBalancingV2::LoadBalancer",
        key="idle_timeout.timeout_seconds",
        value="40",
    )


@mistake("check_idle")
def pings_rarer_than_the_idle_timeout(template: Template) -> None:
    _tell(template, "RIVER_PING_INTERVAL_S", "150")


@mistake("check_leaving")
def sockets_cut_in_the_midst_of_the_drain(template: Template) -> None:
    _attribute(
        template,
        "ElasticLoadBalancingV2::TargetGroup",
        key="deregistration_delay.timeout_seconds",
        value="20",
    )


@mistake("check_leaving")
def drain_longer_than_the_balancer_waits(template: Template) -> None:
    _tell(template, "RIVER_DRAIN_S", "100")


@mistake("check_cloudfront")
def connections_kept_longer_than_the_balancer_does(template: Template) -> None:
    origin = template.one("CloudFront::Distribution")["DistributionConfig"]["Origins"][0]
    origin["VpcOriginConfig"]["OriginKeepaliveTimeout"] = 180


@mistake("check_functions")
def function_that_works_on_after_the_answer(template: Template) -> None:
    template.one("Lambda::Function", "Publish")["Timeout"] = 60


# The chain.


@mistake("check_ports_of_tasks")
def container_port_that_is_not_the_target_groups(template: Template) -> None:
    template.one("ElasticLoadBalancingV2::TargetGroup")["Port"] = 8080


@mistake("check_ports_of_tasks")
def gateway_on_another_port_than_it_is_asked(template: Template) -> None:
    _tell(template, "RIVER_PORT", "8001")


@mistake("check_ports_of_tasks")
def gateway_that_listens_to_itself_only(template: Template) -> None:
    _tell(template, "RIVER_HOST", "127.0.0.1")


@mistake("check_targets")
def targets_by_instance(template: Template) -> None:
    template.one("ElasticLoadBalancingV2::TargetGroup")["TargetType"] = "instance"


@mistake("check_targets")
def gateways_replaced_when_valkey_is_away(template: Template) -> None:
    template.one("ElasticLoadBalancingV2::TargetGroup")["HealthCheckPath"] = "/readyz"


@mistake("check_listener")
def listener_on_a_port_that_nobody_asks(template: Template) -> None:
    template.one("ElasticLoadBalancingV2::Listener")["Port"] = 8080


@mistake("check_behaviours")
def origin_request_policy_dropped(template: Template) -> None:
    del _behaviour(template)["OriginRequestPolicyId"]


@mistake("check_behaviours")
def answers_cached(template: Template) -> None:
    _behaviour(template)["CachePolicyId"] = "658327ea-f89d-4fab-a63d-7e88639e58f6"


@mistake("check_behaviours")
def websockets_without_tls(template: Template) -> None:
    _behaviour(template)["ViewerProtocolPolicy"] = "allow-all"


@mistake("check_origin")
def distribution_that_looks_for_the_balancer_in_public(template: Template) -> None:
    origin = template.one("CloudFront::Distribution")["DistributionConfig"]["Origins"][0]
    del origin["VpcOriginConfig"]
    origin["CustomOriginConfig"] = {"OriginProtocolPolicy": "http-only"}


@mistake("check_rules")
def metrics_for_everybody(template: Template) -> None:
    del template.raw["Resources"][template.id_of("ElasticLoadBalancingV2::ListenerRule", "Metrics")]


@mistake("check_broker_address")
def valkey_without_tls_in_the_address(template: Template) -> None:
    _tell(template, "RIVER_BROKER", "redis://valkey:6379")


@mistake("check_handlers")
def handler_with_a_slip_of_the_pen(template: Template) -> None:
    template.one("Lambda::Function", "Rotation")["Handler"] = "step.handler"


@mistake("check_api")
def requests_without_a_limit(template: Template) -> None:
    del template.one("ApiGatewayV2::Stage")["DefaultRouteSettings"]


@mistake("check_drain_sign")
def sign_to_drain_when_it_is_too_late(template: Template) -> None:
    template.one("Events::Rule")["EventPattern"]["detail"]["lastStatus"] = ["STOPPED"]


@mistake("check_drain_sign")
def gateways_without_a_name_to_be_called_by(template: Template) -> None:
    _tell(template, "RIVER_NODE_NAME", "gateway")


# Who reaches whom.


@mistake("check_ports")
def port_that_there_is_not(template: Template) -> None:
    _ingress(template, "BalancerGroupfromIndirectPeer").update({"FromPort": 70000, "ToPort": 70000})


@mistake("check_ways_in")
def gateways_open_to_the_world(template: Template) -> None:
    rule = _ingress(template, "GatewaysTasksGroupfrom")
    del rule["SourceSecurityGroupId"]
    rule["CidrIp"] = "0.0.0.0/0"


@mistake("check_ways_in")
def balancer_open_to_its_own_network(template: Template) -> None:
    rule = _ingress(template, "BalancerGroupfrom")
    del rule["SourcePrefixListId"]
    rule["CidrIp"] = "10.80.0.0/16"


@mistake("check_ways_in")
def valkey_on_every_port(template: Template) -> None:
    _ingress(template, "BrokerGroupfromRiverGateways").update({"FromPort": 0, "ToPort": 65535})


@mistake("check_ways_in")
def functions_not_let_in_to_the_secrets(template: Template) -> None:
    del template.raw["Resources"][
        template.id_of("EC2::SecurityGroupIngress", "SecretsDoorGroupfromRiverPublish")
    ]


@mistake("check_ways_out")
def gateways_that_may_go_anywhere(template: Template) -> None:
    group = template.one("EC2::SecurityGroup", "GatewaysTasks")
    group["SecurityGroupEgress"] = [{"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}]


@mistake("check_tasks_reach_the_internet")
def no_public_address_and_no_nat(template: Template) -> None:
    _place(template)["AssignPublicIp"] = "DISABLED"


@mistake("check_tasks_reach_the_internet")
def tasks_in_subnets_without_a_way_out(template: Template) -> None:
    _place(template)["Subnets"] = template.one("ElastiCache::SubnetGroup")["SubnetIds"]


@mistake("check_isolation")
def valkey_in_a_public_subnet(template: Template) -> None:
    template.one("ElastiCache::SubnetGroup")["SubnetIds"] = _place(template)["Subnets"]


@mistake("check_only_two_entries")
def balancer_on_the_internet(template: Template) -> None:
    template.one("ElasticLoadBalancingV2::LoadBalancer")["Scheme"] = "internet-facing"


@mistake("check_only_two_entries")
def everybodys_api_may_call_the_function(template: Template) -> None:
    del template.one("Lambda::Permission", "PublishApi")["SourceArn"]


@mistake("check_zones")
def both_subnets_in_one_zone(template: Template) -> None:
    for subnet in template.of("EC2::Subnet").values():
        subnet["AvailabilityZone"] = {"Fn::Select": [0, {"Fn::GetAZs": ""}]}


# What is secret, encrypted, kept.


@mistake("check_valkey_is_closed")
def valkey_without_tls(template: Template) -> None:
    template.one("ElastiCache::ReplicationGroup")["TransitEncryptionEnabled"] = False


@mistake("check_valkey_is_closed")
def valkey_not_encrypted_at_rest(template: Template) -> None:
    template.one("ElastiCache::ReplicationGroup")["AtRestEncryptionEnabled"] = False


@mistake("check_valkey_is_closed")
def password_in_the_template(template: Template) -> None:
    template.one("ElastiCache::ReplicationGroup")["AuthToken"] = "swordfish-swordfish"


@mistake("check_secrets_are_made")
def weak_secret(template: Template) -> None:
    template.one("SecretsManager::Secret", "Token")["GenerateSecretString"]["PasswordLength"] = 16


@mistake("check_settings")
def secret_in_the_environment(template: Template) -> None:
    pairs = _container(template)["Environment"]
    assert isinstance(pairs, list)
    secret = template.id_of("SecretsManager::Secret", "Token")
    pairs.append({"Name": "RIVER_SECRETS", "Value": f"{{{{resolve:secretsmanager:{secret}}}}}"})


@mistake("check_settings")
def setting_that_river_does_not_have(template: Template) -> None:
    pairs = _container(template)["Environment"]
    assert isinstance(pairs, list)
    pairs.append({"Name": "RIVER_DRAIN_SECONDS", "Value": "30"})


@mistake("check_rotation")
def secret_that_is_never_rotated(template: Template) -> None:
    del template.raw["Resources"][
        template.id_of("SecretsManager::RotationSchedule", "RotationToken")
    ]


@mistake("check_logs")
def log_for_ever(template: Template) -> None:
    del template.one("Logs::LogGroup", "Gateways")["RetentionInDays"]


@mistake("check_nothing_stays")
def secret_that_stays(template: Template) -> None:
    name = template.id_of("SecretsManager::Secret", "Token")
    template.raw["Resources"][name]["DeletionPolicy"] = "Retain"


@mistake("check_nothing_stays")
def snapshots_that_stay(template: Template) -> None:
    template.one("ElastiCache::ReplicationGroup")["SnapshotRetentionLimit"] = 7


@mistake("check_plain")
def custom_resource(template: Template) -> None:
    template.raw["Resources"]["Empty"] = {"Type": "Custom::S3AutoDeleteObjects"}


# Rights.


@mistake("check_actions")
def every_secret_of_the_account(template: Template) -> None:
    _statement(template, "Drain")["Resource"] = "*"


@mistake("check_actions")
def every_action_on_a_secret(template: Template) -> None:
    _statement(template, "Rotation")["Action"] = "secretsmanager:*"


@mistake("check_readers")
def drain_reads_the_token_secret(template: Template) -> None:
    secret = template.id_of("SecretsManager::Secret", "Token")
    _statement(template, "Drain")["Resource"] = {"Ref": secret}


@mistake("check_functions_leave_the_network_alone")
def functions_that_change_the_network(template: Template) -> None:
    statements = template.one("IAM::Role", "Publish")["Policies"][0]["PolicyDocument"]["Statement"]
    statements[:] = [one for one in statements if one["Effect"] == "Allow"]


@mistake("check_roles")
def role_for_anybody(template: Template) -> None:
    document = template.one("IAM::Role", "Drain")["AssumeRolePolicyDocument"]
    document["Statement"][0]["Principal"] = {"AWS": "*"}


@mistake("check_door")
def door_to_all_secrets(template: Template) -> None:
    template.one("EC2::VPCEndpoint")["PolicyDocument"]["Statement"][0]["Resource"] = "*"


@mistake("check_door")
def door_that_nobody_finds(template: Template) -> None:
    template.one("EC2::VPCEndpoint")["PrivateDnsEnabled"] = False


# Watching.


@mistake("check_alarms")
def alarm_with_a_slip_of_the_pen(template: Template) -> None:
    template.one("CloudWatch::Alarm", "GatewaysBusy")["MetricName"] = "CpuUtilization"


@mistake("check_alarms")
def alarm_by_a_dimension_that_there_is_not(template: Template) -> None:
    alarm = template.one("CloudWatch::Alarm", "ValkeyMemory")
    alarm["Dimensions"] = [{"Name": "ReplicationGroupId", "Value": "river"}]


@mistake("check_missing_gateways")
def alarm_that_sleeps_when_all_is_gone(template: Template) -> None:
    template.one("CloudWatch::Alarm", "GatewaysMissing")["TreatMissingData"] = "notBreaching"


@mistake("check_filters")
def number_that_gateways_do_not_log(template: Template) -> None:
    (made,) = template.one("Logs::MetricFilter", "Deliveries")["MetricTransformations"]
    made["MetricValue"] = "$.delivered"


@mistake("check_filters")
def gateways_that_log_no_numbers(template: Template) -> None:
    _tell(template, "RIVER_METRICS_LOG_S", "0")


@mistake("check_scaling_metrics")
def scaling_by_a_number_that_nobody_publishes(template: Template) -> None:
    policy = template.one("ApplicationAutoScaling::ScalingPolicy", "Connections")
    config = policy["TargetTrackingScalingPolicyConfiguration"]
    metric = config["CustomizedMetricSpecification"]["Metrics"][0]["MetricStat"]["Metric"]
    metric["MetricName"] = "ActiveConnections"


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_caught(name: str, synthesised: dict[str, Synthesised]) -> None:
    plant, found_by = MISTAKES[name]
    whole = synthesised["default"].template
    broken = whole.copy()
    plant(broken)
    check = next(one for one in CHECKS if one.__name__ == found_by)
    assert set(check(broken)) - set(check(whole))


def test_there_are_enough_mistakes_and_none_that_is_no_mistake() -> None:
    assert len(MISTAKES) >= MISTAKES_MIN
    assert {found_by for _, found_by in MISTAKES.values()} <= {one.__name__ for one in CHECKS}
