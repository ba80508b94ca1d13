# What the scripts share. Sourced from the root of the source tree.
# shellcheck shell=sh

# Builds into a folder. usage: build FOLDER CMAKE_OPTIONS...
build()
{
    folder=$1
    shift
    launcher=
    if command -v ccache >/dev/null; then
        launcher='-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache'
    fi
    # shellcheck disable=SC2086 # two options
    cmake -G Ninja -S . -B "$folder" $launcher "$@" >"$folder.log" 2>&1 || {
        cat "$folder.log"
        return 1
    }
    rm -f "$folder.log"
    cmake --build "$folder" --parallel "$(nproc)"
}
