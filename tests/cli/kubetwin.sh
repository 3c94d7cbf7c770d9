#!/usr/bin/env bash
# kt export --format kubetwin, json, csv and kt verify --contract kubetwin: what is written, refused and found broken.
. "$(dirname "$0")/common.sh"
"$KT_MAKE_ARCHIVE" models.h5 || fail "make_archive"
files() { (cd "$1" && find . -type f | LC_ALL=C sort | tr '\n' ' '); }
is() { if [ "$1" = "$2" ]; then ok; else fail "'$1', not '$2'"; fi; }

# ---- kubetwin: models, configuration, tables ----
run 0 export models.h5 --format kubetwin --service cart --service path/with/slash --out twin --rps 20 --rep cart=3 --rep 2
is "$(files twin)" "./microservice_types.conf ./mixtures.csv ./mixtures.json ./saved_models/cart.shop/model/model.keras ./saved_models/path%2Fwith%2Fslash/model/model.keras "
has twin/microservice_types.conf ":mdn_file => '$PWD/twin/saved_models/path%2Fwith%2Fslash/model/model.keras'"
counts twin/microservice_types.conf 2 ":rps => 20,"
counts twin/microservice_types.conf 1 ":replica => 3,"
counts twin/microservice_types.conf 1 ":replica => 2,"
run 0 export models.h5 --format kubetwin --service cart --service path/with/slash --out same --rps 20 --rep cart=3 --rep 2 -q
[ -s stdout ] && fail "-q: $(cat stdout)" || ok
cmp -s twin/mixtures.csv same/mixtures.csv && cmp -s twin/mixtures.json same/mixtures.json && ok || fail "other tables"
run 1 export models.h5 --format kubetwin --service cart --out twin
has stderr "is there already"
run 0 export models.h5 --format kubetwin -s frontend.istio-dt --branch master --out gamma --grid rps=10:20:5 --grid rep=1
is "$(wc -l <gamma/mixtures.csv)" 10 # three points of three components
has gamma/mixtures.csv "service,rps,rep,inside,component,distribution,weight,shape,scale"
has gamma/mixtures.json '"branch":"master"'
lacks gamma/microservice_types.conf ":replica =>"

# ---- refused, and nothing is left ----
refused() { # CODE WORDS OPTIONS...
  local code=$1 words=$2
  shift 2
  run "$code" export models.h5 --out no "$@"
  has stderr "$words"
  [ -e no ] && fail "left: $(files no)" || ok
}
refused 1 "train with --family gamma" --format kubetwin -s cart --branch master
refused 1 "say --branch master" --format kubetwin -s frontend.istio-dt
refused 1 "service frontend.shop is lognormal" --format kubetwin -s frontend.shop
refused 2 "give the service two names" --format kubetwin -s cart --rep cart=2 --rep cart.shop=3
refused 2 "give the service two names" --format kubetwin -s cart --rep 2 --rep 3
refused 2 "--rep cart=0" --format kubetwin -s cart --rep cart=0
refused 2 "no service chart" --format kubetwin -s cart --rep chart=2
refused 2 "--rps fast" --format kubetwin -s cart --rps fast
refused 2 "--grid rps=9:1" --format csv --grid rps=9:1
refused 2 "is given twice" --format csv --grid rps=1:9 --grid rps=2
refused 2 "--grid speed=1" --format json --grid speed=1
refused 2 "points" --format json --grid rps=0:1e9:0.001

# ---- csv and json for other simulators: every family, parameters by their usual names ----
run 0 export models.h5 --format csv --out plain --grid rps=10:20:10 --grid rep=1:2
is "$(wc -l <plain/mixtures.csv)" 61
is "$(head -n 1 plain/mixtures.csv)" "service,rps,rep,inside,component,distribution,weight,shape,scale,rate,mu,sigma"
run 0 export models.h5 --format json --out plain --grid rps=10:20:10 --grid rep=1:2
counts plain/mixtures.json 20 '"mixture":['
for rps in 10 20; do # as kt predict says, to the digits of a float
  "$kt" predict models.h5 -s cart --rps $rps --rep 2 | tail -n 3 >predicted
  awk -F, -v rps=$rps 'NR == FNR { split($0, p, /, */); w[NR] = p[1]; c[NR] = p[2]; s[NR] = p[3]; next }
    $1 == "cart.shop" && $2 == rps && $3 == 2 { n++; bad += off($7, w[n]) + off($8, c[n]) + off($9, s[n]) }
    function off(a, b) { return (a - b) ^ 2 > (1e-7 * b) ^ 2 }
    END { exit n != 3 || bad }' predicted plain/mixtures.csv && ok || fail "not as predicted at $rps"
done

# ---- the contract ----
run 1 verify --contract kubetwin models.h5
has stdout "models.h5: frontend.shop: family: branch mdn_application_2024 takes the outputs for weibull, the model is lognormal"
has stderr "4 of the contract's checks do not hold"
run 0 verify --contract kubetwin models.h5 -s cart.shop -s frontend.istio-dt
has stdout "models.h5: KubeTwin can use it, 2 services"
run 1 verify --contract kubetwin models.h5 -s cart.shop --branch master --rps 2:30 --rep 1:3
has stdout "takes the outputs for gamma"
run 1 verify --contract kubetwin models.h5 -s cart.shop --rps 30:41 --rep 3
has stdout "cart.shop: hull: at rps 41, rep 3: not trained there: at rep 3 only for rates of 1 to 40"
run 1 verify --contract kubetwin models.h5 -s cart.shop --rps 4000 --rep 1
has stdout "cart.shop: utilisation: at rps 4000, rep 1: a container gets 4000 requests/s"
run 0 verify --contract kubetwin models.h5 -s cart.shop --branch 2023-cnsm --rps 1:9 --rep 2
has stdout "at rep 2 branch 2023-cnsm asks with rps 10 for up to 2 requests/s at the service (2 at the entry), 20 for up to 4"
run 0 verify --contract kubetwin twin
counts stdout 3 "KubeTwin can use it" # the tables and two models
run 0 verify --contract kubetwin twin/saved_models/cart.shop/model/model.keras --rps 20 --rep 2
run 1 verify --contract kubetwin twin/saved_models/cart.shop/model/model.keras --rps 90 --rep 2
has stdout "cart.shop: hull"
run 0 verify --contract kubetwin twin/mixtures.csv --rps 10:20 --rep 2 --json
has stdout '"broken": []'
run 2 verify --contract kubetwin twin --rep 0
run 2 verify --contract kubetwin twin --workers cart
run 2 verify --contract kubetwin twin -s nobody
run 1 verify --contract kubetwin .
run 1 verify --contract kubetwin missing.csv
# A number that was changed is found: where it breaks a check, or where the two tables differ.
sed '2s/weibull,0\./weibull,0.1/' twin/mixtures.csv >broken.csv
run 1 verify --contract kubetwin broken.csv
has stdout "broken.csv: cart.shop: weights: at rps "
cp broken.csv twin/mixtures.csv
run 1 verify --contract kubetwin twin
has stdout "twin/mixtures.csv: cart.shop: tables: not the same"
finish
