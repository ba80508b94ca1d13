#!/bin/sh
# What scripts/setup.sh asks the system's package manager for, with one that only notes it down.
# usage: test_setup.sh SOURCE_FOLDER
set -eu
source=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# usage: stand_in NAME    runs the shell text of its standard input
stand_in()
{
    { echo '#!/bin/sh'; cat; } >"$folder/$1"
    chmod +x "$folder/$1"
}
stand_in dpkg-query <<'END'
exit 1
END
stand_in apt-cache <<'END'
case " $LACKING " in *" $2 "*) exit 100 ;; esac
END
stand_in apt-get <<'END'
[ "$1" = update ] || echo "$@" >>"$ASKED"
END
stand_in id <<'END'
echo 0
END
export ASKED="$folder/asked" LACKING=''
PATH=$folder:$PATH

# usage: expect CODE PATTERN [ARGUMENTS...]    PATTERN: of what it says and asks for, in one line
expect()
{
    code=$1 pattern=$2 got=0
    shift 2
    : >"$ASKED"
    "$source/scripts/setup.sh" "$@" >"$folder/said" 2>&1 || got=$?
    said=$(cat "$folder/said" "$ASKED" | tr '\n' ' ')
    if [ "$got" -ne "$code" ] || ! echo "$said" | grep -qE -- "$pattern"; then
        echo "test_setup: exit $got, not $code, or '$said' is not '$pattern'" >&2
        exit 1
    fi
}

expect 0 'install .* libtorch-dev '
LACKING=libtorch-dev
expect 1 'has no package: libtorch-dev .*IGDEF_TORCH=python or a folder $'
LACKING='libtorch-dev chromium'
export IGDEF_TORCH=python
expect 0 '^setup: installing build-essential .* --no-install-recommends build-essential '
if grep -q libtorch "$ASKED"; then
    echo "test_setup: asks for a libtorch beside IGDEF_TORCH" >&2
    exit 1
fi
expect 0 'so that what needs it is skipped: chromium setup: installing .* chromium-driver ' --ci
LACKING=zlib1g-dev
expect 1 'has no package: zlib1g-dev $' --ci
