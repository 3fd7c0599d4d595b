{{- define "river.name" -}}
{{- if contains "river" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-river" (.Release.Name | trunc 34 | trimSuffix "-") }}{{ end }}
{{- end }}

{{/* What finds the pods of a part; it never changes. Call with (list . "gateway"). */}}
{{- define "river.selector" -}}
app.kubernetes.io/name: river
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "river.labels" -}}
{{ include "river.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version }}
{{- end }}

{{- define "river.image" -}}
{{- include "river.imageOf" (list .Values.image .Chart.AppVersion) }}
{{- end }}

{{/* An image by its digest, or else by its tag. Call with (list IMAGE "DEFAULT TAG"). */}}
{{- define "river.imageOf" -}}
{{- $image := index . 0 -}}
{{ $image.repository }}{{ if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default (index . 1) }}{{ end }}
{{- end }}

{{/* Anywhere, but where clouds hand out credentials. */}}
{{- define "river.outside" -}}
- ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16]}
- ipBlock: {cidr: "::/0", except: ["fd00:ec2::/32", "fe80::/10"]}
{{- end }}

{{/* Not empty where the API sends webhooks: River's own, or those of apps as far as can be seen here. */}}
{{- define "river.sendsWebhooks" -}}
{{- $settings := .Values.settings -}}
{{- if or .Values.webhooks.existingSecret $settings.WEBHOOKS_FROM $settings.APPS_FROM (contains "\"webhooks\"" ($settings.APPS | default "")) -}}
true
{{- end }}
{{- end }}

{{/* Where a part of River may connect to. Call with (list . "gateway"). */}}
{{- define "river.egress" -}}
{{- $part := index . 1 -}}
{{- with index . 0 -}}
{{- $egress := .Values.networkPolicy.egress -}}
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- if .Values.valkey.enabled }}
- ports: [{port: valkey}]
  to:
    - podSelector:
        matchLabels:
          {{- include "river.selector" (list . "valkey") | nindent 10 }}
{{- else }}
- ports:
    {{- range $egress.brokerPorts }}
    - {port: {{ . }}}
    {{- end }}
  {{- with $egress.broker }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- if .Values.settings.JWKS_URL }}
- ports: [{port: 443}]
  to:
    {{- include "river.outside" . | nindent 4 }}
{{- end }}
{{- if and (eq $part "api") (include "river.sendsWebhooks" .) }}
- ports:
    {{- range .Values.webhooks.ports }}
    - {port: {{ . }}}
    {{- end }}
  to:
    {{- if .Values.webhooks.to }}
    {{- toYaml .Values.webhooks.to | nindent 4 }}
    {{- else }}
    {{- include "river.outside" . | nindent 4 }}
    {{- end }}
{{- end }}
{{- with $egress.to }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "river.keys" -}}
{{ .Values.existingSecret | default (printf "%s-keys" (include "river.name" .)) }}
{{- end }}

{{- define "river.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "river.name" .) }}
{{- end }}

{{/* Where the broker is; an installation without one is refused. */}}
{{- define "river.broker" -}}
{{- if and .Values.valkey.enabled .Values.broker.url }}
{{- fail "broker.url and valkey.enabled are both set: choose one" }}
{{- else if .Values.valkey.enabled -}}
redis://{{ include "river.name" . }}-valkey:6379
{{- else -}}
{{- required "broker.url is missing: set it to redis://HOST:6379, or set valkey.enabled=true for a trial" .Values.broker.url }}
{{- end }}
{{- end }}

{{- define "river.brokerSecret" -}}
{{- if .Values.valkey.enabled }}{{ include "river.name" . }}-valkey{{ else }}{{ .Values.broker.existingSecret }}{{ end }}
{{- end }}

{{- define "river.brokerPasswordKey" -}}
{{- if .Values.valkey.enabled }}password{{ else }}{{ .Values.broker.passwordKey }}{{ end }}
{{- end }}

{{/* Before SIGTERM: the time that balancers need to learn that this pod is leaving. */}}
{{- define "river.preStopSeconds" -}}5{{- end }}

{{/* A value of a Secret that is kept over upgrades. Call with (list . SECRET ENTRY). */}}
{{- define "river.kept" -}}
{{- $root := index . 0 }}
{{- $there := lookup "v1" "Secret" $root.Release.Namespace (index . 1) }}
{{- if and $there $there.data (index $there.data (index . 2)) }}
{{- index $there.data (index . 2) }}
{{- else }}
{{- printf "%x" (randBytes 32 | b64dec) | b64enc }}
{{- end }}
{{- end }}
