# shellcheck shell=bash
# Installs what is missing, each piece once. Sourced after env.sh; every function is idempotent and safe to run twice
# at once, and ends the script when it fails. Sources are package registries only.

# The compiler: rustup reads rust-toolchain.toml. Without rustup, a compiler that can do the job is enough.
install_rust() {
  command -v cargo >/dev/null || die "no cargo on PATH: install Rust by rustup (https://rustup.rs) and run this again"
  local libdir
  libdir=$(cd "$RETINUE_ROOT" && rustc --target wasm32-unknown-unknown --print target-libdir 2>/dev/null || true)
  if [[ -d $libdir ]] && (cd "$RETINUE_ROOT" && cargo clippy --version && cargo fmt --version) >/dev/null 2>&1; then
    return
  fi
  command -v rustup >/dev/null || die "rustc lacks wasm32-unknown-unknown, clippy or rustfmt, and there is no rustup to add them"
  say "installing the Rust toolchain of rust-toolchain.toml"
  local channel
  channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$RETINUE_ROOT/rust-toolchain.toml")
  rustup toolchain install "$channel" --profile minimal --component clippy --component rustfmt \
    --target wasm32-unknown-unknown >&2 || die "rustup could not install the toolchain"
}

# cargo_tool CRATE VERSION: builds a binary crate into the cache, in a folder that carries its version.
cargo_tool() {
  local dir
  dir=$(tool_dir "$1" "$2")
  [[ -e $dir/.complete ]] || locked "$RETINUE_CACHE/tools/$1-$2.lock" cargo_tool_locked "$1" "$2" "$dir"
}

cargo_tool_locked() {
  [[ ! -e $3/.complete ]] || return 0
  if [[ ! -x $3/bin/${1%-cli} ]]; then
    say "installing $1 $2 (once; a few minutes)"
    # Run for a second at each build: quick to compile matters more than quick to run.
    (cd "$RETINUE_ROOT" && CARGO_TARGET_DIR=$RETINUE_CACHE/tools/.target-$1 \
      CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
      cargo install --quiet --locked --root "$3" --version "=$2" --bin "${1%-cli}" "$1" >&2) || die "cargo could not install $1 $2"
    rm -rf "$RETINUE_CACHE/tools/.target-$1"
  fi
  touch "$3/.complete"
}

install_npm() {
  command -v npm >/dev/null || die "no npm on PATH: install Node.js (18 or newer; wrangler runs on one of its own)"
  local stamp=$RETINUE_ROOT/node_modules/.retinue-stamp
  npm_fresh "$stamp" || locked "$RETINUE_ROOT/.wrangler/npm.lock" install_npm_locked "$stamp"
}

npm_fresh() {
  [[ -x $RETINUE_NODE && -e $1 && $(<"$1") == "$(npm_key)" ]]
}

npm_key() { cat "$RETINUE_ROOT/package.json" "$RETINUE_ROOT/package-lock.json" | digest; }

install_npm_locked() {
  ! npm_fresh "$1" || return 0
  say "installing npm packages (wrangler, node, esbuild, binaryen)"
  (cd "$RETINUE_ROOT" && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error >&2) || die "npm could not install the packages"
  "$RETINUE_NODE" --version >/dev/null || die "the npm package 'node' did not install its binary"
  npm_key >"$1"
}

# What `worker-build` would download unless named; and the node that runs wasm-opt (it is a script).
name_build_tools() {
  WASM_BINDGEN_BIN=$(tool_dir wasm-bindgen-cli "$(locked_version wasm-bindgen)")/bin/wasm-bindgen
  ESBUILD_BIN=$RETINUE_ROOT/node_modules/.bin/esbuild
  WASM_OPT_BIN=$RETINUE_ROOT/node_modules/.bin/wasm-opt
  export WASM_BINDGEN_BIN ESBUILD_BIN WASM_OPT_BIN
  export PATH=$RETINUE_ROOT/node_modules/node/bin:$PATH
  local tool
  for tool in "$WASM_BINDGEN_BIN" "$ESBUILD_BIN" "$WASM_OPT_BIN"; do
    [[ -x $tool ]] || die "$tool is missing after installation"
  done
}

install_build_tools() {
  install_rust
  install_npm
  cargo_tool worker-build "$WORKER_BUILD_VERSION"
  cargo_tool wasm-bindgen-cli "$(locked_version wasm-bindgen)"
}

# python_env NAME REQUIREMENTS [PIP OPTION…]: a virtual environment in the cache that has exactly these packages.
# Sets PYTHON_ENV to its folder.
python_env() {
  command -v python3 >/dev/null || die "no python3 on PATH: needed for $1"
  local key
  key=$({ python3 --version; cat "$2"; } | digest)
  PYTHON_ENV=$RETINUE_CACHE/python/$1-${key:0:16}
  [[ -e $PYTHON_ENV/.complete ]] || locked "$PYTHON_ENV.lock" python_env_locked "$PYTHON_ENV" "$@"
}

# npm_env NAME FOLDER: the npm packages of the lockfile in FOLDER, outside the clone; NPM_ENV is where.
npm_env() {
  local key
  key=$(cat "$2/package.json" "$2/package-lock.json" | digest)
  NPM_ENV=$RETINUE_CACHE/npm/$1-${key:0:16}
  [[ -e $NPM_ENV/.complete ]] || locked "$NPM_ENV.lock" npm_env_locked "$NPM_ENV" "$@"
}

npm_env_locked() {
  local dir=$1 name=$2 folder=$3
  [[ ! -e $dir/.complete ]] || return 0
  say "installing the npm packages of $name"
  rm -rf "$dir"
  mkdir -p "$dir"
  cp "$folder"/package.json "$folder"/package-lock.json "$dir/"
  # What clients ask of each other's versions is their own; nothing of theirs is run at installation.
  (cd "$dir" && npm ci --no-audit --no-fund --no-update-notifier --ignore-scripts --legacy-peer-deps --loglevel=error >&2) ||
    die "npm could not install the packages of $name"
  touch "$dir/.complete"
}

python_env_locked() {
  local dir=$1 name=$2 requirements=$3
  shift 3
  [[ ! -e $dir/.complete ]] || return 0
  say "installing the Python packages of $name"
  rm -rf "$dir"
  python3 -m venv "$dir" >&2 || die "python3 cannot make a virtual environment (Debian: apt install python3-venv)"
  "$dir/bin/pip" install --quiet --disable-pip-version-check --no-input "$@" -r "$requirements" >&2 ||
    die "pip could not install the packages of $name"
  touch "$dir/.complete"
}
