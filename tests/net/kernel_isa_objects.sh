#!/bin/sh
# What an instruction set's object may hold: generic no AVX at all, v3 nothing of AVX-512 (512-bit registers, masks, the
# upper 16 registers). v4 must hold 512-bit registers, or this test looks at the wrong text.
# usage: kernel_isa_objects.sh GENERIC V3 V4
set -eu
count() { objdump -d "$1" | grep -cE "$2" || true; }
avx512='%zmm|%k[0-7]|%[xy]mm(1[6-9]|2[0-9]|3[01])'
generic=$(count "$1" '%ymm|%zmm|\sv[a-z]+ps\s')
v3=$(count "$2" "$avx512")
fused=$(count "$2" 'vfn?madd[0-9]+ps.*%ymm')
v4=$(count "$3" '%zmm')
echo "AVX in generic: $generic; AVX-512 in v3: $v3; fused multiply-adds in v3: $fused; 512-bit in v4: $v4"
[ "$generic" -eq 0 ] && [ "$v3" -eq 0 ] && [ "$fused" -gt 100 ] && [ "$v4" -gt 100 ]
