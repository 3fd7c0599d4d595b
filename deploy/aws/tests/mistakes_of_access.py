"""Mistakes in who reaches whom, what is secret, who may do what, and what is watched."""

from aws_template import Template
from planting import (
    Mistakes,
    container_of,
    ingress_of,
    noting,
    placement_of,
    set_variable,
    statement_of,
)

MISTAKES: Mistakes = {}
mistake = noting(MISTAKES)

# Who reaches whom.


@mistake("check_ports")
def port_that_there_is_not(template: Template) -> None:
    ingress_of(template, "BalancerGroupfromIndirectPeer").update(
        {"FromPort": 70000, "ToPort": 70000}
    )


@mistake("check_ways_in")
def gateways_open_to_the_world(template: Template) -> None:
    rule = ingress_of(template, "GatewaysTasksGroupfrom")
    del rule["SourceSecurityGroupId"]
    rule["CidrIp"] = "0.0.0.0/0"


@mistake("check_ways_in")
def balancer_open_to_its_own_network(template: Template) -> None:
    rule = ingress_of(template, "BalancerGroupfrom")
    del rule["SourcePrefixListId"]
    rule["CidrIp"] = "10.80.0.0/16"


@mistake("check_ways_in")
def valkey_on_every_port(template: Template) -> None:
    ingress_of(template, "BrokerGroupfromRiverGateways").update({"FromPort": 0, "ToPort": 65535})


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
    placement_of(template)["AssignPublicIp"] = "DISABLED"


@mistake("check_tasks_reach_the_internet")
def tasks_in_subnets_without_a_way_out(template: Template) -> None:
    placement_of(template)["Subnets"] = template.one("ElastiCache::SubnetGroup")["SubnetIds"]


@mistake("check_isolation")
def valkey_in_a_public_subnet(template: Template) -> None:
    template.one("ElastiCache::SubnetGroup")["SubnetIds"] = placement_of(template)["Subnets"]


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
    pairs = container_of(template)["Environment"]
    assert isinstance(pairs, list)
    secret = template.id_of("SecretsManager::Secret", "Token")
    pairs.append({"Name": "RIVER_SECRETS", "Value": f"{{{{resolve:secretsmanager:{secret}}}}}"})


@mistake("check_settings")
def setting_that_river_does_not_have(template: Template) -> None:
    pairs = container_of(template)["Environment"]
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
    statement_of(template, "Drain")["Resource"] = "*"


@mistake("check_actions")
def every_action_on_a_secret(template: Template) -> None:
    statement_of(template, "Rotation")["Action"] = "secretsmanager:*"


@mistake("check_readers")
def drain_reads_the_token_secret(template: Template) -> None:
    secret = template.id_of("SecretsManager::Secret", "Token")
    statement_of(template, "Drain")["Resource"] = {"Ref": secret}


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
    set_variable(template, "RIVER_METRICS_LOG_S", "0")


@mistake("check_scaling_metrics")
def scaling_by_a_number_that_nobody_publishes(template: Template) -> None:
    policy = template.one("ApplicationAutoScaling::ScalingPolicy", "Connections")
    config = policy["TargetTrackingScalingPolicyConfiguration"]
    metric = config["CustomizedMetricSpecification"]["Metrics"][0]["MetricStat"]["Metric"]
    metric["MetricName"] = "ActiveConnections"
