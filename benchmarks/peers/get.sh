#!/bin/sh
# Get the tools that are measured beside emrload into the folder $EMRLOAD_BENCH_TOOLS:
#     export EMRLOAD_BENCH_TOOLS=~/bench-tools; sh benchmarks/peers/get.sh [k6] [gatling] [goose] [wrk]
# k6 needs Go, Gatling Java 17 and Maven, goose Rust; wrk comes from the system's packages.
set -eu
: "${EMRLOAD_BENCH_TOOLS:?name a folder for the tools, such as ~/bench-tools}"
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$EMRLOAD_BENCH_TOOLS"
tools=$(cd "$EMRLOAD_BENCH_TOOLS" && pwd)

get_k6() { GOFLAGS=-mod=mod GOBIN="$tools" go install go.k6.io/k6@v1.8.1; }

get_gatling() {
  mvn -B -q -f "$here/gatling/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DoutputDirectory="$tools/gatling/lib"
  javac -cp "$tools/gatling/lib/*" -d "$tools/gatling/classes" "$here/gatling/Load.java"
}

get_goose() {
  cargo build --quiet --release --manifest-path "$here/goose/Cargo.toml" --target-dir "$tools/goose-build"
  cp "$tools/goose-build/release/goose-load" "$tools/goose-load"
}

get_wrk() { apt-get install -y wrk; }

for tool in ${@:-k6 gatling goose wrk}; do "get_$tool"; done
