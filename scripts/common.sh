# What the scripts share. Sourced from the root of the source tree.
# shellcheck shell=sh

# Configures a build folder. usage: configure FOLDER CMAKE_OPTIONS...
configure()
{
    folder=$1
    shift
    launcher=
    if command -v ccache >/dev/null; then
        launcher='-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache'
    fi
    # shellcheck disable=SC2086 # two options
    cmake -G Ninja -S . -B "$folder" $launcher -DIGDEF_TORCH="${IGDEF_TORCH:-}" "$@" \
        >"$folder.log" 2>&1 || {
        cat "$folder.log"
        return 1
    }
    rm -f "$folder.log"
}

# Configures a folder and builds it. usage: build FOLDER CMAKE_OPTIONS...
build()
{
    configure "$@"
    cmake --build "$1" --parallel "$(nproc)"
}
