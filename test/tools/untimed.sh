#!/usr/bin/env bash
# untimed.sh COMMAND...: runs psql for a regression test, and leaves out of its notices how long a step took, which they say of
# more than a second: that depends on the machine.

set -uo pipefail
"$@" 2>&1 | sed -E '/^(NOTICE|WARNING):  /s/ in [0-9]+\.[0-9] s\>//g'
