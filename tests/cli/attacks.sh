# shellcheck shell=bash disable=SC1091,SC2154
# Every attack that help lists has a page, and the manual has as many parameters as they.
run igdef help attack
run igdef help apdg-ce
igdef help attacks | sed -n '/^Attacks/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' >names
igdef --man | sed -n '/^.SH ATTACKS/,/^.SS Ensembles/p' >manual
echo "$(wc -l <names) attacks, $(grep -c '^.SS [^E]' manual) in the manual"
while read -r name; do
    igdef help "$name" >page
    grep -q "^$name: " page || echo "$name: no line on it"
    grep -q '^Norms: L' page || echo "$name: no norm"
    sed -n '/^Parameters/,$s/^  \([a-z][a-z_0-9]*\) .*/\1/p' page >>parameters
    sed -n '/^Parameters/,$p' page | tr -d '\n' | grep -o '\[[^];]*; [^]]*\]' >>ranges
done <names
echo "$(wc -l <parameters) parameters, $(wc -l <ranges) ranges, $(grep -c '^.TP' manual) in the manual"
