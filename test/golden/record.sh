#!/bin/sh
# Records the captures and truths of this folder anew, in a guest:
#   node dist/cli/main.js lab --timeout 20m --out DIR -- sh test/golden/record.sh
# then copies DIR/NAME.capture and DIR/NAME.truth.json here.
set -e
here=$(dirname "$0")
for name in ${*:-forwarded local refused}; do
  conntrail lab --here --scenario "$here/$name.yaml" --truth --out "$OUT/$name" \
    -- -q --out "$OUT/$name.capture"
  mv "$OUT/$name/truth.json" "$OUT/$name.truth.json"
done
