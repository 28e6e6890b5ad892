# Reports the rules of this machine, one line for each thing: its name, a space, and what it is.
# Looking changes nothing: the boot file is loaded in a network namespace of its own, which ends with the shell in it.
# $1 is the boot file, $2 the service.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C
export PATH LC_ALL
file=$1 service=$2
# An include of the file that is relative starts where the service starts it.
cd / || exit

emit() { printf '%s %s\n' "$1" "$2"; }
one_line() { tr '\n\t' '  ' | cut -c 1-400; }

command -v nft >/dev/null || { emit no-nft .; exit 0; }
emit users "$(one_line </proc/self/uid_map)"
if live=$(nft -j list ruleset 2>/dev/null); then
  emit live "$live"
else
  emit live-error "$(nft -j list ruleset 2>&1 >/dev/null | one_line)"
  exit 0
fi

if state=$(command -v systemctl); then
  state=$(systemctl is-enabled "$service" 2>/dev/null)
  emit service "${state:-not-found}"
  emit starts "$(systemctl show -p ExecStart "$service" 2>/dev/null | one_line)"
else
  emit service no-systemctl
fi

[ -e "$file" ] || { emit no-file .; exit 0; }
[ -r "$file" ] || { emit file-error 'this user may not read it'; exit 0; }
# Rules may name network devices, which have to be there under these names.
devices=$(sed -n 's/^ *\([^:]*\):.*/\1/p' /proc/net/dev)
inside='
  file=$1
  shift
  for device; do
    for type in dummy bridge ifb; do
      [ "$device" != lo ] && ip link add "$device" type "$type" && break
    done
  done >/dev/null 2>&1
  nft -f "$file" && exec nft -j list ruleset'
command -v unshare >/dev/null || { emit own-error 'unshare is not installed'; exit 0; }
why=$(unshare -n sh -c : 2>&1) || { emit own-error "$(printf '%s' "$why" | one_line)"; exit 0; }
# shellcheck disable=SC2086 # one argument for each device
if boot=$(unshare -n sh -c "$inside" boot "$file" $devices 2>/dev/null); then
  emit boot "$boot"
else
  # shellcheck disable=SC2086
  emit file-error "$(unshare -n sh -c "$inside" boot "$file" $devices 2>&1 >/dev/null | one_line)"
fi
