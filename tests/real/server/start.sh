#!/usr/bin/env bash
# Fetch, build and start a HAPI FHIR R4 server on loopback; return when it answers.
#
#   start.sh PORT [java flags such as -Dhapi.ri_write=true …]    pid in hapi-PORT.pid, log in hapi-PORT.log
#   start.sh --build                                              fetch and build only
#   start.sh --stop PORT                                          stop the server that this script started there
#
# Environment: HAPI_LIB (folder of the jars, default ./lib), HAPI_HEAP, HAPI_JIT, LOG_LEVEL.
# What is fetched or built already is not fetched or built again; a server that runs already is left alone.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=${HAPI_LIB:-$here/lib}

die() { echo "start.sh: $1" >&2; exit "${2:-1}"; }
answers() { [ "$(curl -s -o /dev/null --max-time 10 -w '%{http_code}' "http://127.0.0.1:$1/fhir/metadata")" = 200 ]; }
ours() { [ -f "$here/hapi-$1.pid" ] && kill -0 "$(cat "$here/hapi-$1.pid")" 2>/dev/null; }
# Maven colours (or at least resets) whatever it is told, batch mode, -Dstyle.color=never and TERM=dumb included.
without_colour() { sed $'s/\e\\[[0-9;]*m//g'; }

build() {
  for tool in java javac mvn curl; do command -v "$tool" >/dev/null || die "needs $tool (Java 17, Maven, curl)" 4; done
  local wanted; wanted=$(cksum <"$here/pom.xml")
  if [ "$(cat "$lib/.fetched" 2>/dev/null)" != "$wanted" ]; then
    echo "fetching HAPI FHIR from Maven Central into $lib (about 300 MB, once)" >&2
    mvn -B -q -f "$here/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
      -DincludeScope=runtime -DoutputDirectory="$lib" 2>&1 | without_colour >&2 || die "Maven could not fetch the server" 4
    echo "$wanted" >"$lib/.fetched"
  fi
  if [ ! "$here/classes/mini/Main.class" -nt "$here/src/main/java/mini/Main.java" ]; then
    mkdir -p "$here/classes"
    cp "$here/src/main/resources/"* "$here/classes/"
    # javac itself, not Maven's compiler plug-in, which would have to be fetched too
    javac -proc:none -d "$here/classes" -cp "$lib/*" "$here/src/main/java/mini/Main.java" || die "the launcher does not compile" 4
  fi
}

stop() {
  ours "$1" || { echo "nothing of ours runs on port $1"; rm -f "$here/hapi-$1.pid"; return; }
  local pid; pid=$(cat "$here/hapi-$1.pid")
  kill "$pid"
  for _ in $(seq 1 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -0 "$pid" 2>/dev/null && kill -9 "$pid"
  rm -f "$here/hapi-$1.pid"
  echo "stopped pid=$pid port=$1"
}

what_now() {
  local emrload=emrload people="morning-rush --sites 3 --target http://127.0.0.1:$1/fhir"
  [ -x .venv/bin/emrload ] && emrload=.venv/bin/emrload || echo "first    make setup && . .venv/bin/activate"
  cat <<END
next     $emrload check $people      what it can do, and who is missing there
         $emrload seed  $people      create them
         $emrload run   $people --duration 2m
         $emrload cleanup --target http://127.0.0.1:$1/fhir      delete all that was written
stop     $0 --stop $1
END
}

start() {
  local port=$1; shift
  local log="$here/hapi-$port.log" began=$SECONDS
  if ours "$port" && answers "$port"; then
    echo "ready pid=$(cat "$here/hapi-$port.pid") url=http://127.0.0.1:$port/fhir (was running)"; return
  fi
  ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || die "port $port is in use by somebody else; give another" 3
  LOG_LEVEL=${LOG_LEVEL:-WARN} setsid nohup java ${HAPI_HEAP:--Xms256m -Xmx1g} ${HAPI_JIT:--XX:TieredStopAtLevel=1} \
    -XX:+UseParallelGC -Djava.awt.headless=true -Dport="$port" "$@" -cp "$here/classes:$lib/*" mini.Main >"$log" 2>&1 </dev/null &
  local pid=$!
  echo "$pid" >"$here/hapi-$port.pid"
  while [ $((SECONDS - began)) -lt 180 ]; do
    kill -0 "$pid" 2>/dev/null || { tail -5 "$log" >&2; rm -f "$here/hapi-$port.pid"; die "the server died; its log is $log"; }
    if answers "$port"; then echo "ready pid=$pid url=http://127.0.0.1:$port/fhir after $((SECONDS - began)) s"; return; fi
    sleep 0.25
  done
  kill "$pid"
  die "not ready after 180 s; its log is $log" 2
}

case ${1:-} in
  --build) build ;;
  --stop) stop "${2:?usage: start.sh --stop PORT}" ;;
  [0-9]*) build; start "$@"; what_now "$1" >&2 ;;
  *) sed -n '2,9p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac
