#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs a command so that others beside it get the processors first:  tests/beside.sh COMMAND...
# Where the kernel shares out by sessions (autogroup), niceness counts only within one; a session has its own.
{ echo 10 >/proc/self/autogroup; } 2>/dev/null || true
exec nice -n 10 "$@"
