#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages of the named groups (build, test, bench) that are missing.
# Quick when nothing is missing; apt-get is only called, and root only needed, when something is.
set -eu

build="meson ninja-build pkg-config gcc clang clang-format make git ca-certificates
 libuv1-dev libssl-dev libsrtp2-dev liburing-dev libxdp-dev libbpf-dev libmnl-dev libjansson-dev liblz4-dev libmicrohttpd-dev libhiredis-dev libsystemd-dev libcmocka-dev"
# The fast SRTP engine is for one kind of processor.
[ "$(dpkg --print-architecture)" != amd64 ] || build="$build libipsec-mb-dev"
test="libclang-rt-14-dev llvm python3 python3-pytest python3-pytest-timeout python3-aiortc
 python3-cryptography iproute2 iputils-ping nftables conntrack tcpdump procps openssl
 kamailio kamailio-websocket-modules kamailio-tls-modules kamailio-utils-modules baresip-core
 chromium coturn redis-server debootstrap podman buildah runc
 fuse-overlayfs containernetworking-plugins docker-compose python3-yaml python3-websocket"
bench="python3 rtpengine-daemon coturn redis-server iproute2"

wanted=
for group in "$@"; do
    case $group in
    build) wanted="$wanted $build" ;;
    test)
        wanted="$wanted $test"
        # Any node and npm will do; Debian's only where there is none.
        command -v npm >/dev/null || wanted="$wanted nodejs npm"
        ;;
    bench) wanted="$wanted $bench" ;;
    *)
        echo "packages.sh: unknown group '$group'" >&2
        exit 2
        ;;
    esac
done

# shellcheck disable=SC2086
missing=$(
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
        awk -v wanted="$wanted" '
            $1 == "installed" { have[$2] = 1 }
            END { n = split(wanted, w, /[ \n]+/); for (i = 1; i <= n; i++) if (w[i] != "" && !have[w[i]]) print w[i] }'
)
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "missing packages, install them as root: apt-get install" $missing >&2
    exit 1
fi
echo "installing:" $missing
export DEBIAN_FRONTEND=noninteractive
# A new machine may be upgrading itself at this moment.
apt="apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300"
$apt update >/dev/null
# Services of the packages are not wanted here, only their programs.
guard=/usr/sbin/policy-rc.d
[ -e "$guard" ] || { printf '#!/bin/sh\nexit 101\n' >"$guard"; chmod 755 "$guard"; trap 'rm -f "$guard"' EXIT; }
# shellcheck disable=SC2086
$apt install -y --no-install-recommends $missing >/dev/null
