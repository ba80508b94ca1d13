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
complete_line igdef eval --attack apgd-
complete_line igdef eval -a fgsm,auto
complete_line igdef eval --attack fgsm,transfer : rays
complete_line igdef eval --attack pgd,surrogate :
complete_line igdef eval --set square
complete_line igdef eval --set pgd.steps = 3,rays.q
complete_line igdef analyze shift --attack auto
complete_line igdef analyze sweep --over s
complete_line igdef analyze sweep --over rays
complete_line igdef rank --device c
complete_line igdef rank --device = cp
complete_line igdef report mod
complete_line igdef help da

# Each name that --over completes is one: its value is refused, not the name.
names=$(sed -n "s/^ *--over) words='\(keep [^']*\)' ;;/\1/p" igdef.bash)
[ "$(wc -w <<<"$names")" -gt 50 ] && echo 'more than fifty names'
for name in ${names%% *.*} rays.votes; do # the parameters are the attacks' own
    igdef analyze sweep -m model.pt -d . --over "$name" --values / --attack "${name%.*}" 2>&1 |
        grep -E "cannot sweep '|no parameter"
done
echo 'no other message'

# The manual says options that commands share once, and has what else belongs into it.
grep '^\.SH' igdef.1 | tr '\n' ' '
echo
for option in threads csv model eps; do
    echo "$option: $(grep -c "^\(.*, \)\?\\\\fB\\\\-\\\\-$option\\\\fR" igdef.1)"
done
