#!/bin/sh
# Ends every PostgreSQL below the directories that are its arguments and removes them, as soon as the standard input is
# closed: by the end of the tests, or by the death of the process that ran them, whatever it died of.
cat >/dev/null

servers() {
  for root in "$@"; do
    for file in "$root"/*/data/postmaster.pid; do
      [ -f "$file" ] && head -n 1 "$file"
    done
  done
}

alive() {
  for pid in "$@"; do
    kill -0 "$pid" 2>/dev/null && return 0
  done
  return 1
}

pids=$(servers "$@")
for pid in $pids; do
  kill -QUIT "$pid"
done
tries=0
while alive $pids && [ "$tries" -lt 100 ]; do
  tries=$((tries + 1))
  sleep 0.05
done
rm -rf "$@"
