#!/usr/bin/env bash
# kt import of .keras files: what kt export wrote comes back, and whatever else such a file may hold is one message.
. "$(dirname "$0")/common.sh"
"$KT_MAKE_ARCHIVE" models.h5 || fail "make_archive"
run 0 export models.h5 --out out -q
file=out/saved_models/cart.shop/model/model.keras

# ---- there and back ----
run 0 import out/saved_models/*/model/model.keras --out back.h5
counts stdout 5 ", from "
lacks stderr "--hull"
for service in cart.shop frontend.istio-dt "./odd %näme" path/with/slash; do # names and hulls are in the files
  for point in "20 2" "1 1" "60 2"; do
    set -- $point
    run 0 predict models.h5 --service "$service" --rps "$1" --rep "$2"
    mv stdout wanted
    run 0 predict back.h5 --service "$service" --rps "$1" --rep "$2"
    head -n 2 stdout | diff - <(head -n 2 wanted) && ok || fail "$service at $point: $(head -n 2 stdout)"
    paste -d ' ' <(tr -d , <wanted | awk '/^  /') <(tr -d , <stdout | awk '/^  /') | awk '
      function far(a, b) {return (a - b) ^ 2 > (5e-6 * a) ^ 2 + 1e-12}
      {n++; if (far($1, $4) || far($2, $5) || far($3, $6)) bad = 1} END {exit bad || n != 3}' &&
      ok || fail "$service at $point: $(cat stdout)"
  done
done
run 0 info back.h5
counts stdout 5 "; imported"
run 0 verify back.h5
table data.csv 160 1
sed -i '1s/proc_time_s0/proc_time_cart.shop/' data.csv
run 0 evaluate back.h5 data.csv # judged beside new models
has stdout "new data"
run 0 import $file --out named.h5 --service other --hull rps=5:10 --hull rep=1:2
run 0 predict named.h5 --service other --rps 7 --rep 2; has stdout "inside"
run 0 predict named.h5 --service other --rps 12 --rep 2; has stdout "OUTSIDE"
cp named.h5 again.h5
run 0 import $file --out named.h5 --service other --hull rps=5:10 --hull rep=1:2
same named.h5 again.h5 "imported twice"

# ---- options ----
run 2 import $file --out no.h5 --hull rps=5:10; has stderr "rep"
run 2 import $file --out no.h5 --hull rps=10:5 --hull rep=1:2; has stderr "rps=10:5"
run 2 import $file --out no.h5 --hull cores=1:2; has stderr "cores"
run 2 import $file $file --out no.h5; has stderr "cart.shop"
run 2 import $file data.csv --out no.h5; has stderr "data.csv"
run 2 import data.csv --out no.h5 --family gamma; has stderr "--family"
run 2 import $file --out no.h5 --features rps; has stderr "2 inputs"
run 1 import out/saved_models/frontend.shop/model/model.keras --out no.h5 --family weibull; has stderr "linear"
run 1 import missing.keras --out no.h5; has stderr "missing.keras"
mkdir folder && : >folder/saved_model.pb
run 1 import folder --out no.h5; has stderr "load_model"

# ---- files of any other content ----
cat >others.py <<'EOP'
import copy, io, json, sys, zipfile

source = zipfile.ZipFile(sys.argv[1])
parts = {n: source.read(n) for n in source.namelist()}
config = json.loads(parts["config.json"])


def layer(c, name):
    return next(l for l in c["config"]["layers"] if l["name"] == name)


def write(name, words, changed, compress=zipfile.ZIP_STORED):
    with zipfile.ZipFile(name + ".keras", "w", compress) as z:
        for n, data in changed.items():
            if data is not None:
                z.writestr(n, data)
    print(name + ".keras", *words)


def with_config(name, words, change):
    c = copy.deepcopy(config)
    c = change(c) or c
    write(name, words, {**parts, "config.json": json.dumps(c)})


def set_in(name, key, value):
    return lambda c: layer(c, name)["config"].__setitem__(key, value)


for member in ("config.json", "model.weights.h5"):
    write("no-" + member, [member], {**parts, member: None})
    write("empty-" + member, [member], {**parts, member: b""})
for i, text in enumerate(["[]", "{", "null", "7", '{"class_name": "Model", "config": 3}', '{"a": 1, "a": 2}', "[" * 100000,
                          '{"class_name": "Functional", "config": {"layers": [3]}}',
                          '{"class_name": "Functional", "config": {"layers": [], "output_layers": [[1], [2], [3]]}}']):
    write("json%d" % i, ["json%d.keras" % i], {**parts, "config.json": text})
write("json-metadata", ["metadata.json"], {**parts, "metadata.json": "{"})
write("bomb", ["config.json", "17825792", "most"], {**parts, "config.json": b" " * (17 << 20)}, zipfile.ZIP_DEFLATED)
write("weights", ["model.weights.h5", "HDF5"], {**parts, "model.weights.h5": b"\x89HDF\r\n\x1a\n" + b"\0" * 4000})
with_config("sequential", ["Sequential"], lambda c: c.__setitem__("class_name", "Sequential"))
with_config("loop", ["too many layers"], lambda c: layer(c, "hidden1").__setitem__("inbound_nodes", [[["hidden2", 0, 0, {}]]]))
with_config("outputs", ["three outputs"], lambda c: c["config"]["output_layers"].pop())
with_config("nowhere", ["'none'"], lambda c: c["config"]["output_layers"].__setitem__(1, ["none", 0, 0]))
with_config("same", ["same"], lambda c: c["config"]["output_layers"].__setitem__(2, ["conc", 0, 0]))
with_config("hidden", ["output 1"], lambda c: c["config"]["output_layers"].__setitem__(0, ["activation2", 0, 0]))
with_config("units", ["[4, 3]"], set_in("hidden2", "units", 5))
with_config("wide", ["100000"], set_in("hidden2", "units", 100000))
with_config("negative", ["-3"], set_in("hidden2", "units", -3))
with_config("slope", ["leaky_relu", "0.3"], lambda c: layer(c, "activation1").update(
    {"class_name": "LeakyReLU", "config": {"name": "activation1", "alpha": 0.2}}))
with_config("differ", ["another activation"], set_in("activation2", "activation", "relu"))
with_config("code", ["Python code"], set_in("activation1", "activation", {"class_name": "function", "config": "f"}))


def softplus(scale, offset):
    def change(c):
        for name, how in (("conc", (1.0, 1e-8)), ("scale", (scale, offset))):
            layer(c, name + "_raw")["config"]["activation"] = "softplus"
            layer(c, name).update({"class_name": "Rescaling", "config": {"name": name, "scale": how[0], "offset": how[1]}})
    return change


with_config("offset", ["0.001"], softplus(0.01, 0.001))
with_config("factor", ["multiplied by -2"], softplus(-2.0, 1e-8))
with_config("missing-norm", ["batch_normalization_1"], lambda c: c["config"]["layers"].insert(0, {
    "class_name": "BatchNormalization", "name": "x", "config": {"name": "x"}, "inbound_nodes": []}) or
    layer(c, "norm2").__setitem__("config", {"name": "norm2"}))
with_config("shape", ["rps_rep", "[None, features]"], set_in("rps_rep", "batch_input_shape", [None, 2, 2]))
EOP
if ! command -v python3 >/dev/null; then
  echo "other .keras files: not run, no python3"
  finish
  exit
fi
python3 others.py $file >others || fail "others.py"
[ "$(wc -l <others)" -gt 25 ] && ok || fail "$(wc -l <others) other files"
while read -r name words; do
  run 1 import "$name" --out no.h5
  counts stderr 1 "$name"
  [ "$(wc -l <stderr)" -eq 1 ] && ok || fail "$name: $(cat stderr)"
  for word in $words; do has stderr "$word"; done
done <others
[ -e no.h5 ] && fail "no.h5 is there" || ok
finish
