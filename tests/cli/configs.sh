# shellcheck shell=bash disable=SC1091,SC2154,SC2012
# The rows of the paper: every file in configs/ names only options that exist, with values that
# they take. All paths in them are missing here, which is what igdef finds after that.
configs=$CASES/../../configs
parse() # COMMAND FILE...: prints what is wrong with a file beside its missing inputs
{
    local command=$1 file text code num=0
    shift
    for file in "$@"; do
        text=$("$igdef" "$command" --config "$file" 2>&1 </dev/null)
        code=$?
        case "$code $text" in
        "1 igdef $command: models/"*": No such file or directory") num=$((num + 1)) ;;
        *) echo "${file##*/}: [$code] $text" ;;
        esac
    done
    [ "$num" -gt 0 ] && [ "$num" -eq $# ] && echo "$command: every file parses"
}
mkdir rankings
parse eval "$configs"/*.json
parse rank "$configs"/rank/*.json

# Every ranking that a row asks for is made by a file, with the same model.
for file in "$configs"/*.json; do
    ranking=$(grep -o '"rankings/[^"]*"' "$file") || continue
    maker=$(grep -l "\"output\": $ranking" "$configs"/rank/*.json)
    model=$(grep -o '"model": "models/[^"]*"' "$file")
    grep -q "$model" "$maker" || echo "${file##*/}: its ranking is of another model"
done

# The names of the attacks are checked when the work begins.
touch model.pt
sed -n 's/.*"attack": "\(.*\)".*/\1/p' "$configs"/*.json | sort -u >attacks.txt
while read -r attack; do
    run igdef eval -m model.pt -d . --attack "$attack"
done <attacks.txt

# That a wrong file would be noticed.
sed 's/"attack"/"atack"/' "$configs/cifar10-dajat-rn18-none.json" >wrong.json
run igdef eval --config wrong.json
printf '{"about": ["any", {"shape": 1}], "model": "absent.pt", "data": "absent"}' >about.json
run igdef eval --config about.json
