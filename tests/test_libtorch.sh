#!/bin/sh
# The search for libtorch: what is not there, or not supported, is refused in one line that says what
# to do. Folders that only look like libtorch are enough for that.
# usage: test_libtorch.sh SOURCE_FOLDER
set -eu
source=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/project"
cat >"$folder/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(search LANGUAGES NONE)
list(APPEND CMAKE_MODULE_PATH $source/cmake)
find_package(Libtorch REQUIRED)
get_target_property(libraries Libtorch::Libtorch INTERFACE_LINK_LIBRARIES)
get_target_property(definitions Libtorch::Libtorch INTERFACE_COMPILE_DEFINITIONS)
message(STATUS "found \${Libtorch_VERSION} cuda \${Libtorch_CUDA} \${definitions} \${libraries}")
END

fail()
{
    echo "test_libtorch: $*" >&2
    exit 1
}

# Configures with IGDEF_TORCH=$1 in a fresh folder, the words after $2 added; its output has $2.
expect()
{
    torch=$1 text=$2
    shift 2
    rm -rf "$folder/build"
    output=$(cmake -S "$folder/project" -B "$folder/build" -DIGDEF_TORCH="$torch" "$@" 2>&1 |
        tr '\n' ' ' | tr -s ' ') || true
    case $output in
    *"$text"*) ;;
    *) fail "IGDEF_TORCH=$torch: '$output' does not contain '$text'" ;;
    esac
}

# usage: pretend NAME VERSION ABI_SYMBOL
pretend()
{
    api=$folder/$1/include/torch/csrc/api/include/torch
    mkdir -p "$api" "$folder/$1/include/ATen" "$folder/$1/lib"
    touch "$folder/$1/include/ATen/ATen.h"
    IFS=. read -r major minor patch <<END
$2
END
    printf '#define TORCH_VERSION_MAJOR %s\n#define TORCH_VERSION_MINOR %s\n' "$major" "$minor" \
        >"$api/version.h"
    printf '#define TORCH_VERSION_PATCH %s\n' "$patch" >>"$api/version.h"
    for name in torch torch_cpu c10; do
        printf '%s' "$3" >"$folder/$1/lib/lib$name.so"
    done
}

new=_ZN3c1010throwErrorENSt7__cxx1112basic_stringIcEE
old=_ZN3c1010throwErrorESsxxxxxxx
newest=$(sed -n 's/^newest //p' "$source/cmake/libtorch-versions.txt")
oldest=$(sed -n 's/^oldest //p' "$source/cmake/libtorch-versions.txt")

expect /nonexistent "no such folder"
mkdir "$folder/empty"
expect "$folder/empty" "holds no libtorch; install libtorch-dev, or say where it is"
# A Python without PyTorch: the last line of what it says is passed on.
mkdir "$folder/bin"
printf '#!/bin/sh\nprintf "Traceback:\\nNo module named torch\\n" >&2\nexit 1\n' \
    >"$folder/bin/python3"
chmod +x "$folder/bin/python3"
path=$PATH
PATH=$folder/bin:$PATH
expect python "cannot import torch (No module named torch); install libtorch-dev"
PATH=$path
pretend ancient 1.12.1 "$new"
expect "$folder/ancient" "libtorch 1.12.1 is older than $oldest"
pretend future 7.0.0 "$new"
expect "$folder/future" "libtorch 7.0.0 is newer than $newest"
expect "$folder/future" "found 7.0.0 cuda FALSE" -DIGDEF_TORCH_UNTESTED=ON
pretend fine "$newest.0" "$new"
expect "$folder/fine" "found $newest.0 cuda FALSE"
expect "$folder/fine" "_GLIBCXX_USE_CXX11_ABI=1"
pretend wheel "$oldest.1" "$old"
expect "$folder/wheel" "_GLIBCXX_USE_CXX11_ABI=0"
touch "$folder/fine/lib/libtorch_cuda.so" "$folder/fine/lib/libc10_cuda.so"
expect "$folder/fine" "cuda TRUE"
expect "$folder/fine" "--no-as-needed,$folder/fine/lib/libtorch_cuda.so"
rm -r "$folder/fine/include/ATen"
expect "$folder/fine" "has no headers (ATen/ATen.h)"
# The README's range is the one that is checked.
for version in "$oldest" "$newest"; do
    grep -q "libtorch.*\b$version\b" "$source/README.md" ||
        fail "README.md does not name libtorch $version as supported"
done
