# Finds room in memory for what tests write: on a disk they wait for it more than they compute.

# Prints a new folder within $1; nothing where $2 kilobytes are not free or no program may be run from it.
folder_in_memory() {
    free=$(df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print $4 }')
    [ "${free:-0}" -ge "$2" ] && folder=$(TMPDIR="$1" mktemp -d 2>/dev/null) || return 0
    echo '#!/bin/sh' >"$folder/program"
    chmod +x "$folder/program"
    if env "$folder/program" 2>/dev/null; then echo "$folder"; else rm -rf "$folder"; fi
}
