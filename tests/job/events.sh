# Sourced: events FILE prints the lines of a ledger in the order of what they are about, without times and without what
# depends on who did what when.
events() {
  "$KT_PYTHON" - "$1" <<'END'
import json, sys
lines = (json.loads(line) for line in open(sys.argv[1]))
kept = [{k: v for k, v in e.items() if k not in ("time", "seconds", "sum")} for e in lines
        if e["event"] not in ("started", "preempted", "resumed")]
print("\n".join(sorted(json.dumps(e, sort_keys=True) for e in kept)))
END
}
