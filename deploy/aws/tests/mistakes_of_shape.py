"""Mistakes in what the stack is made of: sizes, times, ports, functions."""

from aws_template import Template
from planting import Mistakes, behaviour_of, container_of, noting, set_attribute, set_variable

MISTAKES: Mistakes = {}
mistake = noting(MISTAKES)

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
    container_of(template)["Ulimits"] = [{"Name": "nofile", "SoftLimit": 1024, "HardLimit": 65536}]


@mistake("check_tasks")
def image_for_intel(template: Template) -> None:
    template.one("ECS::TaskDefinition")["RuntimePlatform"]["CpuArchitecture"] = "X86_64"


@mistake("check_tasks")
def root_that_can_be_written(template: Template) -> None:
    container_of(template)["ReadonlyRootFilesystem"] = False


@mistake("check_connections")
def more_connections_than_files(template: Template) -> None:
    set_variable(template, "RIVER_MAX_CONNECTIONS", "100000")


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
    container_of(template)["StopTimeout"] = 300


@mistake("check_stopping")
def stop_timeout_shorter_than_the_drain(template: Template) -> None:
    container_of(template)["StopTimeout"] = 30


@mistake("check_idle")
def balancer_idle_longer_than_it_can(template: Template) -> None:
    set_attribute(
        template,
        "ElasticLoadBalancingV2::LoadBalancer",
        key="idle_timeout.timeout_seconds",
        value="5000",
    )


@mistake("check_idle")
def balancer_idle_as_it_is_by_default(template: Template) -> None:
    set_attribute(
        template,
        "ElasticLoadBalancingV2::LoadBalancer",
        key="idle_timeout.timeout_seconds",
        value="40",
    )


@mistake("check_idle")
def pings_rarer_than_the_idle_timeout(template: Template) -> None:
    set_variable(template, "RIVER_PING_INTERVAL_S", "150")


@mistake("check_leaving")
def sockets_cut_in_the_midst_of_the_drain(template: Template) -> None:
    set_attribute(
        template,
        "ElasticLoadBalancingV2::TargetGroup",
        key="deregistration_delay.timeout_seconds",
        value="20",
    )


@mistake("check_leaving")
def drain_longer_than_the_balancer_waits(template: Template) -> None:
    set_variable(template, "RIVER_DRAIN_S", "100")


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
    set_variable(template, "RIVER_PORT", "8001")


@mistake("check_ports_of_tasks")
def gateway_that_listens_to_itself_only(template: Template) -> None:
    set_variable(template, "RIVER_HOST", "127.0.0.1")


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
    del behaviour_of(template)["OriginRequestPolicyId"]


@mistake("check_behaviours")
def answers_cached(template: Template) -> None:
    behaviour_of(template)["CachePolicyId"] = "658327ea-f89d-4fab-a63d-7e88639e58f6"


@mistake("check_behaviours")
def websockets_without_tls(template: Template) -> None:
    behaviour_of(template)["ViewerProtocolPolicy"] = "allow-all"


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
    set_variable(template, "RIVER_BROKER", "redis://valkey:6379")


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
    set_variable(template, "RIVER_NODE_NAME", "gateway")
