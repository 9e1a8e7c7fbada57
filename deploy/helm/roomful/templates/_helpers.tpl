{{- define "roomful.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "roomful.selector" -}}
app.kubernetes.io/name: roomful
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "roomful.labels" -}}
{{ include "roomful.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end }}
