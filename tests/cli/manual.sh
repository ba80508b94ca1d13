# shellcheck shell=bash disable=SC1091,SC2154
# What is written from the option tables: manual page and completion are well formed, and
# completion offers what can stand there.
igdef --man >igdef.1
head -c 3 igdef.1
echo
if command -v mandoc >/dev/null; then
    mandoc -Tlint -Wall igdef.1
fi
igdef --completion bash >igdef.bash
bash -n igdef.bash

complete_line() # WORDS...
{
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _igdef
    printf '%s:' "$*"
    printf ' %s' "${COMPREPLY[@]}"
    echo
}
compopt() { :; } # only for interactive shells
. ./igdef.bash
touch model.pt
complete_line igdef insp
complete_line igdef help ra
complete_line igdef analyze la
complete_line igdef help analyze la
complete_line igdef analyze landscape --gr
complete_line igdef analyze landscape mod
complete_line igdef rank --met
complete_line igdef rank --method ''
complete_line igdef rank --model mod
complete_line igdef rank --seed ''
complete_line igdef defend --no-
complete_line igdef defend mod
