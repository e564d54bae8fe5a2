# shellcheck shell=bash
# Where things are. Sourced by every script; sets variables, defines helpers, starts nothing.
#
# For a program that drives the scripts (the live tests, the bench), the stable ones are:
#   RETINUE_ROOT     the clone
#   RETINUE_CACHE    tools and models that outlive the clone (default: XDG's cache folder)
#   RETINUE_NODE     the node that runs wrangler
#   RETINUE_WORKER   the built Worker's entry, written by scripts/build
# and the programs scripts/build, scripts/wrangler and scripts/local-model.

set -euo pipefail

RETINUE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
RETINUE_CACHE=${RETINUE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/retinue}
RETINUE_NODE=$RETINUE_ROOT/node_modules/node/bin/node
RETINUE_WORKER=$RETINUE_ROOT/build/index.js
export RETINUE_ROOT RETINUE_CACHE RETINUE_NODE RETINUE_WORKER

WORKER_BUILD_VERSION=0.8.7

# wrangler: no telemetry, no update check (it hangs on the banner), no lookup of this machine's place in the world,
# no error reports; nothing outside the clone is written (registry of running Workers, logs).
export WRANGLER_SEND_METRICS=false WRANGLER_SEND_ERROR_REPORTS=false WRANGLER_HIDE_BANNER=true
export WRANGLER_NO_SKILLS_UPDATE_PROMPTS=true DO_NOT_TRACK=1
export CLOUDFLARE_CF_FETCH_ENABLED=false
export X_LOCAL_EXPLORER=false X_LOCAL_OBSERVABILITY=false
export WRANGLER_LOG_PATH=${WRANGLER_LOG_PATH:-$RETINUE_ROOT/.wrangler/logs}
export WRANGLER_REGISTRY_PATH=${WRANGLER_REGISTRY_PATH:-$RETINUE_ROOT/.wrangler/registry}
export WRANGLER_CACHE_DIR=${WRANGLER_CACHE_DIR:-$RETINUE_ROOT/.wrangler/cache}

# Variables of the environment that reach the local Worker, as an extended regular expression.
PASSED_VARIABLES='OPERATOR_KEY|MASTER_KEY|ALLOW_LOOPBACK|DEFAULT_ACCOUNT|DEFAULT_MODEL|MAINTENANCE'
PASSED_VARIABLES+='|(OPENAI|ANTHROPIC|GEMINI|CEREBRAS|COHERE|DEEPINFRA|DEEPSEEK|FIREWORKS|GROQ|HUGGINGFACE|MISTRAL'
PASSED_VARIABLES+='|MOONSHOT|NEBIUS|NVIDIA|OPENROUTER|PERPLEXITY|SAMBANOVA|TOGETHER|XAI)_(API_KEY|BASE_URL)'

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

((BASH_VERSINFO[0] >= 5)) && command -v flock >/dev/null || die "these scripts need bash 5 and flock, as every Linux has"

# locked NAME COMMAND…: at most one at a time, across processes; NAME is a path.
# The lock is not inherited by what COMMAND leaves running.
locked() {
  local lock=$1
  shift
  mkdir -p "$(dirname "$lock")"
  (
    exec 9>"$lock"
    flock -n 9 || { say "waiting for $lock"; flock 9; }
    "$@" 9>&-
  )
}

# digest: one hash of standard input.
digest() { sha256sum | cut -d' ' -f1; }

# locked_version CRATE: the version that Cargo.lock pins.
locked_version() {
  awk -v want="name = \"$1\"" '$0 == want { getline; gsub(/version = |"/, ""); print; exit }' "$RETINUE_ROOT/Cargo.lock"
}

tool_dir() { printf '%s/tools/%s-%s' "$RETINUE_CACHE" "$1" "$2"; }
