#!/usr/bin/env bash
# Makes the root file system of the image: the stripped program, the libraries that it names, the public authorities, a user without a password.
# Usage: deploy/image/root.sh PROGRAM FOLDER. The Dockerfile calls it while building, deploy/check-image.sh to try the same folder out without Docker.
set -euo pipefail
(($# == 2)) || { echo "usage: $0 PROGRAM FOLDER" >&2; exit 2; }
program=$1 root=$2
[[ ! -e $root ]] || { echo "$root is there already" >&2; exit 1; }
authorities=/etc/ssl/certs/ca-certificates.crt
[[ -s $authorities ]] || { echo "$authorities is missing: install ca-certificates" >&2; exit 1; }
umask 022

mkdir -p "$root"/{usr/bin,etc/ssl/certs,data,tmp,proc,dev}
strip --strip-all -o "$root/usr/bin/slipway" "$program"
chmod 755 "$root/usr/bin/slipway"
# At the paths where the loader looks, as files and not as links.
libraries=$(ldd "$program" | grep -oE '/[^ ]+')
[[ -n $libraries ]]
while read -r library; do
  install -D --mode=755 "$(readlink -f "$library")" "$root$library"
done <<<"$libraries"
install --mode=644 "$authorities" "$root$authorities"
echo 'slipway:x:65532:65532::/data:/usr/bin/slipway' >"$root/etc/passwd"
echo 'slipway:x:65532:' >"$root/etc/group"
chmod 1777 "$root/tmp"
