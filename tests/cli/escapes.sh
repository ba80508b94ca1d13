# shellcheck shell=bash disable=SC1091,SC2154
# Names from outside are shown, not obeyed.
printf '{"ke\\u001b[2Jy": 1}' >config.json
shown() # COMMAND...
{
    "$@" 2>&1 | cat -v
}
shown igdef report $'no\033[2J\nline.json' -o page.html
shown igdef report $'--no\033]0;title\a'
shown igdef report base.json -o page.html --config config.json
shown igdef $'ev\033al'
shown igdef report $'--no\nline'
