{{- define "mbm.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "mbm.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains .Chart.Name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "mbm.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "mbm.selector" -}}
app.kubernetes.io/name: {{ include "mbm.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mbm.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "mbm.selector" . }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "mbm.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}
{{- else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end }}
{{- end }}
{{- end }}

{{- define "mbm.site" -}}
{{- $here := printf "http://%s-serve.%s.svc:9464" (include "mbm.fullname" .) .Release.Namespace }}
{{- default $here .Values.addresses.site | trimSuffix "/" }}
{{- end }}

{{/* The port of a part, by its name. */}}
{{- define "mbm.port" -}}
{{- get (dict "serve" 9464 "ingest" 9465 "evaluate" 9466 "schedule" 9467) . }}
{{- end }}

{{/* Name of the service account of a part; called with (dict "root" $ "part" "ingest"). */}}
{{- define "mbm.account" -}}
{{- $account := default dict (get .root.Values .part).serviceAccount }}
{{- default (printf "%s-%s" (include "mbm.fullname" .root) .part) $account.name }}
{{- end }}

{{/* Names of the variables that settings take secrets from, one a line. */}}
{{- define "mbm.variables" -}}
{{- if kindIs "map" . }}
{{- range $key, $value := . }}
{{- if and (eq $key "env") (kindIs "string" $value) }}{{ $value }}{{ "\n" }}
{{- else }}{{ include "mbm.variables" $value }}
{{- end }}
{{- end }}
{{- else if kindIs "slice" . }}
{{- range . }}{{ include "mbm.variables" . }}{{ end }}
{{- end }}
{{- end }}

{{/* service.yaml, as JSON: YAML would write large whole numbers as 5.24288e+07. */}}
{{- define "mbm.settings" -}}
{{- $given := deepCopy .Values.settings }}
{{- range tuple "store" "state" "sources" }}
{{- if not (get $given .) }}
{{- fail (printf "settings.%s is missing; what it holds is shown in values.yaml" .) }}
{{- end }}
{{- end }}
{{- if and (kindIs "string" $given.state) (hasPrefix "sqlite" $given.state) }}
{{- fail "settings.state is SQLite, which pods cannot share; write {env: MBM_STATE} and name the secret with PostgreSQL's address under secrets.env" }}
{{- end }}
{{- if and (kindIs "string" $given.store) (not (contains "://" $given.store)) (not .Values.extraVolumes) }}
{{- fail "settings.store is a folder, of which each pod has its own; write s3://BUCKET/PATH, or mount a volume that all pods share under extraVolumes" }}
{{- end }}
{{- if not (dig "privacy" "key" nil $given) }}
{{- fail "settings.privacy.key is missing; write {env: MBM_HASH_KEY} and name its secret under secrets.env" }}
{{- end }}
{{- if not .Values.extraEnvFrom }}
{{- $known := concat (keys .Values.secrets.env) (list) }}
{{- range .Values.extraEnv }}{{ $known = append $known .name }}{{ end }}
{{- range splitList "\n" (include "mbm.variables" $given) }}
{{- if and . (not (has . $known)) }}
{{- fail (printf "settings take a secret from the variable %s; name its secret under secrets.env" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- $site := include "mbm.site" . }}
{{- $ours := dict "cards" "/etc/mbm/cards" }}
{{- range $part, $name := dict "serve" "listen" "ingest" "metrics" "evaluate" "metrics" "schedule" "metrics" }}
{{- $_ := set $ours $part (dict $name (printf "0.0.0.0:%s" (include "mbm.port" $part))) }}
{{- end }}
{{- $links := dict "incident_url" (printf "%s/incidents/{incident}" $site) "runbook_url" (printf "%s/runbook/{alert}" $site) }}
{{- /* Pages show what is known of groups of people, and all of the cluster may reach them. */ -}}
{{- $defaults := dict "notices" $links "serve" (dict "reading" "token") }}
{{- $given = mergeOverwrite $defaults $given $ours }}
{{- toPrettyJson $given }}
{{- end }}

{{- define "mbm.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.user }}
runAsUser: {{ int64 . }}
runAsGroup: {{ int64 . }}
fsGroup: {{ int64 . }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "mbm.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Environment of a part; called with (dict "root" $ "part" "ingest" "extra" list). */}}
{{- define "mbm.env" -}}
{{- $part := .part -}}
- {name: MBM_CONFIG, value: /etc/mbm/settings/service.yaml}
{{- range $name, $one := .root.Values.secrets.env }}
{{- if has $part (default (list $part) $one.parts) }}
- name: {{ $name }}
  valueFrom: {secretKeyRef: {name: {{ $one.secret | quote }}, key: {{ $one.key | quote }}}}
{{- end }}
{{- end }}
{{- with concat .root.Values.extraEnv (default list .extra) }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Volumes of files with secrets; called with (dict "root" $ "part" "ingest"). */}}
{{- define "mbm.secretVolumes" -}}
{{- $part := .part }}
{{- range $name, $one := .root.Values.secrets.files }}
{{- if has $part (default (list $part) $one.parts) }}
- name: secret-{{ $name }}
  secret: {secretName: {{ $one.secret | quote }}, defaultMode: 0440}
{{- end }}
{{- end }}
{{- end }}

{{- define "mbm.secretMounts" -}}
{{- $part := .part }}
{{- range $name, $one := .root.Values.secrets.files }}
{{- if has $part (default (list $part) $one.parts) }}
- {name: secret-{{ $name }}, mountPath: /etc/mbm/secrets/{{ $name }}, readOnly: true}
{{- end }}
{{- end }}
{{- end }}

{{/* One rule of egress; called with an entry of networkPolicy.egress. */}}
{{- define "mbm.egress" -}}
- ports:
  {{- range .ports }}
    - {port: {{ int . }}, protocol: TCP}
  {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "mbm.dns" -}}
- ports:
  {{- range .ports }}
    - {port: {{ int . }}, protocol: UDP}
    - {port: {{ int . }}, protocol: TCP}
  {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
