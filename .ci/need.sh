# What ./run, ./test and .ci/run check before they build: sourced by them, changes nothing by itself.

say() { printf '%s\n' "$*" >&2; }

TRIPLE=x86_64-unknown-linux-musl
BINARY="${CARGO_TARGET_DIR:-target}/$TRIPLE/release/reprise"

# The line that installs Rust, and before it the one that installs what it is fetched with.
say_rustup() {
  command -v curl >/dev/null || say "  sudo apt-get update && sudo apt-get install -y --no-install-recommends curl ca-certificates"
  say "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal"
}

# A Rust toolchain that is new enough, with the target we build for.
need_rust() {
  # rustup writes this file, and only new shells read it.
  [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
  if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
    say "Rust is missing. Install it with:"
    say_rustup
    say "then run this again."
    exit 1
  fi
  found=$(rustc --version | cut -d ' ' -f 2)
  if [ "$(printf '%s\n%s\n' "$wanted" "${found%%-*}" | sort -V | head -n 1)" != "$wanted" ]; then
    say "Rust $found is too old: reprise needs $wanted or newer. Bring it up to date with:"
    if command -v rustup >/dev/null; then
      say "  rustup update stable && rustup default stable"
    else
      say_rustup
    fi
    say "then run this again."
    exit 1
  fi
  if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$TRIPLE" ]; then
    if ! command -v rustup >/dev/null; then
      say "This Rust has no $TRIPLE target (reprise is one static binary), and no rustup to add it. Install Rust with:"
      say_rustup
      exit 1
    fi
    say "Adding the $TRIPLE target to Rust: reprise is one static binary."
    rustup target add "$TRIPLE"
  fi
}

# need_packages WHY PACKAGE…: Debian packages, installed when we are root, named when we are not.
need_packages() {
  local why=$1 package missing=()
  shift
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if ! command -v apt-get >/dev/null; then
    say "$why needs these Debian packages, and this is not Debian: ${missing[*]}"
    say "Install what your system calls them, or use Debian 12."
    exit 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    say "$why needs packages that are not installed. Install them with:"
    say "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
    say "then run this again."
    exit 1
  fi
  say "Installing what $why needs: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# gcc links; musl-gcc compiles the C parts (SQLite, zstd, the allocator, ring's assembly) for the static binary.
need_build() {
  need_rust
  need_packages "the build" gcc libc6-dev musl-tools
}
