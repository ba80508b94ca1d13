#!/bin/sh
# Builds the container's recipe with a container engine and runs igdef in it. The base image is made
# here, of this Debian, so that no registry of images is asked. Needs root, mmdebstrap, and podman
# with runc, which works beside both versions of control groups.
# usage: test_container.sh
set -eu
cd "$(dirname "$0")/.."
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
work=$(mktemp -d)
leave()
{
    podman image rm --force localhost/igdef-test localhost/igdef-test-base >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM
engine()
{
    podman --runtime runc "$@"
}
# usage: in_container OPTIONS-OF-IGDEF...
# Limits that are lower than the engine's own, which not every root may set.
in_container()
{
    engine run --rm --network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
        -v "$work:/work" localhost/igdef-test "$@"
}

# An index that has expired, as that of a mirror that is kept back, is signed all the same.
mmdebstrap --quiet --variant=minbase --include=ca-certificates \
    --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt=force-unsafe-io \
    "$suite" "$work/base.tar"
engine import --quiet "$work/base.tar" localhost/igdef-test-base >/dev/null
rm "$work/base.tar"
engine build --layers=false --network host -f scripts/container/Dockerfile \
    --build-arg BASE=localhost/igdef-test-base -t localhost/igdef-test .

cp tests/data/fashion_resnet.pt "$work/model.pt"
in_container --version
in_container eval --model model.pt --data /usr/share/datasets/fashion-mnist --eps 0.1 \
    --attack apgd-ce,square --set square.queries=100 --count 20 --output result.json
in_container report result.json --output report.html
test -s "$work/result.json"
test -s "$work/report.html"
