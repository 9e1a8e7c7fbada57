#!/usr/bin/env bash
# @opentelemetry/api 1.9.1: under the condition `module`, which test runners pass on to Node, its entry is a file of which
# Node does not find the imports. Without the condition it loads. Fails once that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @opentelemetry/api@1.9.1
node -e "import('@opentelemetry/api').then(({ trace }) => console.log('without the condition:', typeof trace.getTracer))"
if said=$(node --conditions=module -e "import('@opentelemetry/api').catch(({ code, message }) => { console.log(code, message); process.exit(1) })"); then
  echo 'it loads with the condition `module` too: mended' >&2
  exit 1
fi
echo "with --conditions=module on Node $(node --version): $said"
grep -q ERR_MODULE_NOT_FOUND <<<"$said"
