#!/usr/bin/env bash
# kt report: the page's numbers are those of kt evaluate, its pictures are XML, the same input gives the same bytes, and what
# is wrong is told and leaves no file.
. "$(dirname "$0")/common.sh"
here=$tests/cli
table data.csv 2400 2
"$kt_train" data.csv --out run --steps 150 -q >/dev/null 2>stderr || fail "kt-train: $(cat stderr)"
archive=run/models.h5
mv run/report.html made.html || fail "kt-train writes no report"

# ---- numbers and pictures ----
run 0 report run --out page.html; has stdout page.html
run 0 evaluate $archive run/dataset.h5 --json; mv stdout evaluated.json
pictures=
for picture in quantiles cdf pit loss; do
  run 0 report run --service s1 --format svg --picture $picture --out $picture.svg
  pictures="$pictures $picture.svg"
done
if command -v python3 >/dev/null; then
  if python3 "$here/report_check.py" page.html evaluated.json $pictures >checked; then ok; else fail "$(cat checked)"; fi
fi
same page.html made.html 'what kt-train wrote'
has page.html 'How to do it again'
has page.html "$(sha256sum <$archive | cut -d ' ' -f 1)"
lacks page.html "$PWD"

# ---- the same bytes from everywhere, and from the rows or not ----
run 0 report run; has stdout run/report.html
same page.html run/report.html 'RUN/report.html'
mkdir elsewhere && cp -r run elsewhere/other
(cd elsewhere && "$kt" report other -q -o ../copy.html) && same page.html copy.html 'another folder'
KT_ISA=generic "$kt" report run -q -o generic.html && same page.html generic.html 'another instruction set'
run 0 report $archive --data run/dataset.h5 -o rows.html; same page.html rows.html '--data'
run 0 report $archive --out card.html; has card.html 'not at hand'
cmp -s page.html card.html && fail "the rows make no difference" || ok
run 0 report run --service s1 -o one.html; lacks one.html '>s0<'; has one.html '>s1<'
run 0 report run --title 'A & B <i>' -o title.html; has title.html '<h1>A &amp; B &lt;i&gt;</h1>'

# ---- other formats ----
run 0 report run --format md; has stdout '| s0 |'; has stdout '## Can I trust it?'
run 0 report run --format json; has stdout '"observed_low"'; has stdout '"verdict"'
if command -v python3 >/dev/null; then python3 -m json.tool <stdout >/dev/null && ok || fail "no JSON"; fi
run 0 report run --format svg -s s0; has stdout '<svg xmlns='
run 0 report run --format svg -s s0 --picture cdf --cell 3; has stdout 's0, 3'

# ---- beside other models ----
"$kt_train" data.csv --out worse --steps 20 --no-report -q >/dev/null 2>stderr || fail "kt-train: $(cat stderr)"
[ -e worse/report.html ] && fail "--no-report writes one" || ok
run 0 report run --against worse/models.h5 --format json; has stdout '"compared"'
run 0 report run --against worse/models.h5 -o against.html; has against.html 'other KS'
"$kt_train" data.csv --out split --steps 20 --seed 2 -q >/dev/null 2>stderr # holds out other cells
run 0 report run --against split/models.h5 --format json; has stdout '"trained_on"'

# ---- names from data ----
"$KT_MAKE_ARCHIVE" odd.h5
run 0 report odd.h5 -o odd.html; has odd.html './odd %näme'; has odd.html 'idle'
sed 's/proc_time_s1/proc_time_<script>x<\/script>/' data.csv >names.csv
"$kt_train" names.csv --out names --steps 20 -q >/dev/null 2>stderr || fail "kt-train: $(cat stderr)"
run 0 report names -o names.html
lacks names.html '<script>x'; has names.html '&lt;script&gt;x&lt;/script&gt;'

# ---- a report that cannot be written fails no training ----
cp -r worse late && rm late/models.h5 late/run.json && mkdir late/report.html
"$kt_train" data.csv --out late --steps 20 -q >stdout 2>stderr
[ $? -eq 0 ] && same late/models.h5 worse/models.h5 'the archive without a report' || fail "kt-train: $(cat stderr)"
has stderr 'their report is not'

# ---- what is wrong: told, and no file ----
none() { if compgen -G "$1*" >/dev/null; then fail "$1 was left behind"; else ok; fi; }
run 1 report data.csv -o no.html; has stderr 'data.csv'; none no.html
run 1 report run/dataset.h5 -o no.html; has stderr 'is not an archive'; none no.html
run 1 report missing.h5 -o no.html; has stderr 'missing.h5'; none no.html
mkdir empty; run 1 report empty -o no.html; has stderr 'no models.h5'; none no.html
head -c 20000 $archive >cut.h5; run 1 report cut.h5 -o no.html; has stderr 'cut.h5'; none no.html
run 2 report run --service s9 -o no.html; has stderr "s9"; none no.html
run 2 report $archive; has stderr '--out'
run 2 report run --format svg; has stderr '--service'
run 2 report run --format svg -s s0 --picture cdf --cell x; has stderr "no cell 'x'"
run 2 report run --format pdf; has stderr 'pdf'
table other.csv 800 2 5
"$kt" import other.csv --out other.h5 >/dev/null 2>&1
run 1 report $archive --data other.h5 -o no.html; has stderr 'other rows'; none no.html
run 1 report run --against data.csv -o no.html; has stderr data.csv; none no.html
run 1 report run -o missing/no.html; has stderr 'missing'
if [ "$(id -u)" -ne 0 ]; then
  mkdir locked && chmod 555 locked
  run 1 report run -o locked/no.html; has stderr 'locked'; none locked/no
fi
(trap '' XFSZ; ulimit -f 20; "$kt" report run -o full.html) >stdout 2>stderr # as a disk with 20 blocks left
[ $? -eq 1 ] && ok || fail "a full disk is no failure"
has stderr full.html; none full.html
if [ -e /dev/full ]; then
  "$kt" report run --format md >/dev/full 2>stderr; [ $? -eq 1 ] && ok || fail "a full stdout is no failure"
fi
finish
