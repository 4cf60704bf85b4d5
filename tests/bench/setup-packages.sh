# SPDX-License-Identifier: Apache-2.0
#
# Sourced by the setup scripts of the benches, which set $bench, their name in messages.
# Gives them $deps_dir, say, die, "${sudo[@]}", "${apt_options[@]}", lock_setup and
# install_packages PACKAGE...
#
# No service is left running: while packages are installed, policy-rc.d forbids starting any,
# and the units that come with them are disabled, so that none starts at the next boot either.
# What was installed or running before is not touched.

deps_dir=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../.deps
deps_dir=$(readlink -m "${FLOWLIFT_DEPS:-$deps_dir}")

say() { echo "$bench setup: $*" >&2; }
die() { say "$*"; exit 1; }

sudo=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "needs root, or sudo"
    sudo=(sudo)
fi
apt_options=(-o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)

# Several may be started in one checkout.
lock_setup() {
    mkdir -p "$deps_dir"
    exec 9>"$deps_dir/.bench-lock"
    flock 9
}

missing_packages() {
    comm -23 <(printf '%s\n' "$@" | sort) <(installed_packages)
}

installed_packages() {
    dpkg-query -W -f '${Package} ${db:Status-Status}\n' | awk '$2 == "installed" { print $1 }' |
        sort -u
}

# Let no maintainer script start a service, for as long as "$@" runs. A policy that is
# already there is kept: it is the administrator's.
without_starting_services() {
    local policy=/usr/sbin/policy-rc.d status=0
    if [ -e "$policy" ]; then
        # Not ours: hide it only where it would allow services to start.
        if "$policy" openvswitch-switch start >/dev/null 2>&1; then
            die "$policy allows services to start; set it to 'exit 101' while this runs"
        fi
        "$@"
        return
    fi
    trap '"${sudo[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\n# flowlift bench setup, removed when it ends\nexit 101\n' |
        "${sudo[@]}" tee "$policy" >/dev/null
    "${sudo[@]}" chmod 755 "$policy"
    "$@" || status=$?
    "${sudo[@]}" rm -f "$policy"
    trap - EXIT
    return $status
}

# Units of packages that were not there before ($1: the list of those that were).
disable_new_units() {
    local package unit units=()
    command -v systemctl >/dev/null || return 0
    while read -r package; do
        while read -r unit; do
            units+=("$(basename "$unit")")
        done < <(dpkg-query -L "$package" | grep -E '/systemd/system/[^/@]+\.(service|socket|timer)$')
    done < <(comm -13 <(echo "$1") <(installed_packages))
    [ ${#units[@]} -gt 0 ] || return 0
    say "disabled, so that they do not start at boot: ${units[*]}"
    "${sudo[@]}" systemctl --quiet disable "${units[@]}" >&2 || true
}

install_packages() {
    local missing before
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    before=$(installed_packages)
    "${sudo[@]}" apt-get "${apt_options[@]}" -q update >&2
    without_starting_services "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get "${apt_options[@]}" -qy --no-install-recommends install "${missing[@]}" >&2
    disable_new_units "$before"
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -eq 0 ] || die "still not installed: ${missing[*]}"
}
