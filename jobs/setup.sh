# Sourced by jobs/local.sh and tests/run.sh: what is installed and how it is built.

kt_packages_build="gcc libc6-dev make cmake ninja-build pkg-config openmpi-bin libopenmpi-dev libhdf5-dev libopenblas-dev
  libjansson-dev libssl-dev libcurl4-openssl-dev zlib1g-dev libzip-dev"
kt_packages_test="$kt_packages_build libcmocka-dev hdf5-tools python3 ca-certificates"
kt_packages_fixtures="$kt_packages_test python3-pandas" # where KT_FIXTURES names recorded traces of others
kt_packages_slurm="slurmctld slurmd slurm-client munge iproute2 util-linux" # a cluster, and hosts, on one machine
kt_packages_interop="$kt_packages_fixtures $kt_packages_slurm openssh-server python3-venv chromium fonts-liberation" # and
# where real servers, Keras, a cluster and a browser are required; npm where Node does not come from elsewhere
command -v npm >/dev/null || kt_packages_interop="$kt_packages_interop npm"
kt_packages_clang="$kt_packages_test clang-14"
kt_packages_valgrind="$kt_packages_test valgrind"
kt_packages_coverage="$kt_packages_test gcovr"

kt_missing_packages() {
  local package
  for package in $1; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

# kt_install_packages build|test|fixtures|clang|valgrind|coverage: with apt, as root or through sudo; elsewhere it says
# what is needed and stops.
kt_install_packages() {
  local list=kt_packages_$1 missing as_root=
  local wanted=${!list}
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    kt_have_tools && return 0
    echo "This is not Debian or Ubuntu. Install what these packages of theirs hold, then run this again:" >&2
    echo $wanted >&2
    exit 1
  fi
  missing=$(kt_missing_packages "$wanted")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null; then
      as_root=sudo
    else
      echo "These packages are missing, and only root can install them: apt-get install" $missing >&2
      exit 1
    fi
  fi
  echo "installing:" $missing
  export DEBIAN_FRONTEND=noninteractive
  $as_root apt-get -qq update
  $as_root apt-get -qq install -y --no-install-recommends $missing >/dev/null
}

kt_have_tools() {
  command -v cmake >/dev/null && command -v mpicc >/dev/null && command -v pkg-config >/dev/null &&
    pkg-config --exists jansson openblas libcurl zlib libzip
}

# kt_build FOLDER [CMAKE OPTIONS]: configures where needed and builds.
kt_build() {
  local folder=$1
  shift
  local generator=
  command -v ninja >/dev/null && [ ! -e "$folder/CMakeCache.txt" ] && generator="-G Ninja"
  cmake -S . -B "$folder" $generator "$@" >"$folder.log" 2>&1 || { cat "$folder.log" >&2; return 1; }
  cmake --build "$folder" --parallel "$(nproc)" >>"$folder.log" 2>&1 || { tail -n 60 "$folder.log" >&2; return 1; }
}

# mpirun for N ranks on this machine, however many cores it has and whoever runs it. Told that ranks outnumber cores, Open
# MPI yields in every wait, which costs too much where they do not. ob1: it need not look for fast networks, which takes
# it 0.2 s.
kt_mpirun() {
  local ranks=$1 more=
  shift
  [ "$ranks" -gt "$(nproc)" ] && more=--oversubscribe
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_pml="${OMPI_MCA_pml-ob1}" mpirun $more -np "$ranks" "$@"
}
