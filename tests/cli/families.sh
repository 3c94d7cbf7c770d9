#!/usr/bin/env bash
# Models of every family, with BatchNormalization, under names that HDF5 cannot hold: what they predict fits together, is
# the same on every instruction set, and is what they draw.
. "$(dirname "$0")/common.sh"
"$KT_MAKE_ARCHIVE" models.h5 || fail "make_archive"

list() { tr -d ' \n' <point.json | grep -oE "\"$1\":\[[^]]*\]" | sed 's/.*\[//; s/\]//; s/,/ /g'; }
number() { grep -oE "\"$1\": [-0-9.e]+" point.json | sed 's/.*: //'; }

run 0 info models.h5 --json
sed -n 's/.*"service": "\(.*\)",*/\1/p' stdout | grep -vx idle >services
[ "$(wc -l <services)" -eq 5 ] && ok || fail "services: $(cat services)"
sed -n 's/.*"family": "\(.*\)",*/\1/p' stdout | sort -u | tr '\n' ' ' >families
[ "$(cat families)" = "gamma lognormal normal weibull " ] && ok || fail "families: $(cat families)"

while read -r service; do
  at="--rps 12 --rep 2"
  run 0 predict models.h5 --service "$service" $at --json
  cp stdout point.json
  family=$(sed -n 's/.*"family": "\(.*\)",*/\1/p' point.json)
  # The mean by each family's own formula; Weibull's needs a gamma function, Stirling's series shifted by 10.
  awk -v family="$family" -v w="$(list weight)" -v c="$(list concentration)" -v s="$(list scale)" -v mean="$(number mean)" '
    function gamma(x, p, i) {
      for (p = 1; x < 10; x++) p *= x
      return exp((x - 0.5) * log(x) - x + 0.918938533204672742 + 1 / (12 * x) - 1 / (360 * x ^ 3) + 1 / (1260 * x ^ 5)) / p
    }
    BEGIN {
      n = split(w, W, " "); split(c, C, " "); split(s, S, " ")
      for (i = 1; i <= n; i++) {
        sum += W[i]
        m += W[i] * (family == "weibull" ? S[i] * gamma(1 + 1 / C[i]) : family == "gamma" ? C[i] / S[i] : \
          family == "lognormal" ? exp(C[i] + S[i] ^ 2 / 2) : C[i])
      }
      d = m / mean - 1
      exit !(n == 3 && (sum - 1) ^ 2 < 1e-24 && d ^ 2 < 1e-18)
    }' && ok || fail "$service ($family): the mean $(number mean) is not the mixture's"

  # 20,000 draws: the share below the quantile of p has a standard error of sqrt(p (1 - p) / n); five are allowed.
  run 0 sample models.h5 --service "$service" $at -n 20000 --seed 3
  for p in 0.5 0.95 0.99; do
    awk -v q="$(number $p)" -v p=$p '{ below += $1 <= q }
      END { e = below / NR - p; exit !(q != "" && NR == 20000 && e * e < 25 * p * (1 - p) / NR) }' stdout \
      && ok || fail "$service: draws below the quantile of $p"
  done
  grid="--grid rps=1:60:0.7 --grid rep=1:5 --quantile 0.9"
  run 0 predict models.h5 --service "$service" $grid
  mv stdout auto.csv
  awk -F, 'NR > 1 && $3 != ($1 <= 40 && $2 <= 4)' auto.csv | grep . && fail "$service: inside the hull" || ok
  KT_ISA=generic run 0 predict models.h5 --service "$service" $grid
  same stdout auto.csv "$service: KT_ISA=generic"
done <services

run 0 predict models.h5 --service cart $at; has stdout 'cart.shop:' # a unique short name
run 2 predict models.h5 --service frontend $at; has stderr 'frontend.istio-dt or frontend.shop'
run 2 predict models.h5 --service crat $at; has stderr 'the nearest is cart.shop'
run 2 predict models.h5 --service idle $at; has stderr '12 rows, at least 32 are wanted'
run 0 info models.h5 --cells
for words in 'rate 10, 2 pods' 'ties, rows at the floor' 'without a model' 'what the column cell says'; do has stdout "$words"; done
finish
