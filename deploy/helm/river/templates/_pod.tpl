{{/* What the pods of gateway and API have in common, inside `spec`. Call with (list . "gateway" .Values.gateway). */}}
{{- define "river.pod" -}}
{{- $root := index . 0 }}
{{- $part := index . 1 }}
{{- $values := index . 2 }}
serviceAccountName: {{ include "river.serviceAccount" $root }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  # The group that the mounted secrets belong to.
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "river.selector" (list $root $part) | nindent 8 }}
    # Without it, pods of before an update count, and the new ones may end up on one node.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: keys
    secret:
      secretName: {{ include "river.keys" $root }}
      defaultMode: 0440
      items:
        - {key: secrets, path: secrets}
        {{- if eq $part "api" }}
        - {key: api-keys, path: api-keys}
        {{- end }}
  {{- with include "river.brokerSecret" $root }}
  - name: broker
    secret:
      secretName: {{ . }}
      defaultMode: 0440
      items:
        - {key: {{ include "river.brokerPasswordKey" $root | quote }}, path: password}
  {{- end }}
  {{- if and (eq $part "api") $root.Values.webhooks.existingSecret }}
  - name: webhooks
    secret:
      secretName: {{ $root.Values.webhooks.existingSecret }}
      defaultMode: 0440
      items:
        - {key: {{ $root.Values.webhooks.key | quote }}, path: webhooks}
  {{- end }}
{{- end }}

{{/* What their containers have in common. Call with (list . "gateway" .Values.gateway 8000). */}}
{{- define "river.container" -}}
{{- $root := index . 0 }}
{{- $part := index . 1 }}
name: {{ $part }}
image: {{ include "river.image" $root | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
args: [{{ $part }}]
ports:
  - {name: http, containerPort: {{ index . 3 }}}
env:
  - {name: RIVER_BROKER, value: {{ include "river.broker" $root | quote }}}
  - {name: RIVER_SECRETS_FROM, value: "file:///run/river/keys/secrets"}
  {{- if eq $part "api" }}
  - {name: RIVER_API_KEYS_FROM, value: "file:///run/river/keys/api-keys"}
  {{- if $root.Values.webhooks.existingSecret }}
  - {name: RIVER_WEBHOOKS_FROM, value: "file:///run/river/webhooks/webhooks"}
  {{- end }}
  {{- end }}
  {{- if include "river.brokerSecret" $root }}
  - {name: RIVER_BROKER_PASSWORD_FROM, value: "file:///run/river/broker/password"}
  {{- end }}
  - {name: RIVER_DRAIN_S, value: {{ $root.Values.gateway.drainSeconds | quote }}}
  {{- range $name, $value := $root.Values.settings }}
  - {name: {{ printf "RIVER_%s" $name }}, value: {{ $value | quote }}}
  {{- end }}
# /healthz: the process answers. A gateway whose broker is away keeps its sockets, and must not be restarted.
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
# /readyz fails while the broker is away, and as soon as a stop was asked for: no new clients then.
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 60
lifecycle:
  preStop:
    exec:
      command: [sleep, {{ include "river.preStopSeconds" $root | quote }}]
resources:
  {{- toYaml (index . 2).resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
# The folder, not a file of it: a file that is mounted alone never changes.
volumeMounts:
  - {name: keys, mountPath: /run/river/keys, readOnly: true}
  {{- if include "river.brokerSecret" $root }}
  - {name: broker, mountPath: /run/river/broker, readOnly: true}
  {{- end }}
  {{- if and (eq $part "api") $root.Values.webhooks.existingSecret }}
  - {name: webhooks, mountPath: /run/river/webhooks, readOnly: true}
  {{- end }}
{{- end }}
