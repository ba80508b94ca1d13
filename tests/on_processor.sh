#!/bin/sh
# Runs programs as on another processor: OpenBLAS, oneDNN and libtorch are told to use only its
# instructions. Skipped (77) where this one has not got them.
# usage: on_processor.sh CPU_FLAG OPENBLAS_CORETYPE DNNL_MAX_CPU_ISA ATEN_CPU_CAPABILITY PROGRAM...
set -eu
if ! grep -qw "$1" /proc/cpuinfo; then
    echo "this processor has no $1"
    exit 77
fi
export OPENBLAS_CORETYPE="$2" DNNL_MAX_CPU_ISA="$3" ATEN_CPU_CAPABILITY="$4"
shift 4
for program in "$@"; do
    echo "== $program, $OPENBLAS_CORETYPE, $DNNL_MAX_CPU_ISA, $ATEN_CPU_CAPABILITY"
    "$program"
done
