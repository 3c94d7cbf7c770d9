#!/usr/bin/env bash
# A load campaign on Kubernetes: before each cell of jobs/campaign-kubectl.json kubectl scales the services whose number of
# replicas changes and waits until they are rolled out. Run it where both kubectl and the URL work, with a copy of the
# plan that names your services. The same command goes on with what was interrupted. Options of kt load may follow.
set -eu
plan=${1:-$(dirname "$0")/campaign-kubectl.json}
[ $# -gt 0 ] && shift
kt=${KT:-$(dirname "$0")/../build/release/bin/kt}
"$kt" load --plan "$plan" --dry-run "$@"
kubectl version >/dev/null # is there a cluster?
"$kt" load --plan "$plan" "$@"
