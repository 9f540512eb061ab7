# Which Python makes .venv; read by other scripts with `.`.

# Is $1 a Python of a version that all packages exist for?
suitable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

# Debian keeps ensurepip, without which a .venv has no pip, in a package of its own.
complete() {
    "$1" -c 'import venv, ensurepip' >/dev/null 2>&1
}

# TensorFlow is not published for Macs with an Intel processor.
on_intel_mac() {
    [ "$("$1" -c 'import platform; print(platform.system(), platform.machine())')" = "Darwin x86_64" ]
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

# Prints the first suitable Python, or one sentence on what to do.
find_python() {
    unfit=
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3 python3.13 python3.12 python3.11 python
    fi
    for candidate in "$@"; do
        suitable "$candidate" || continue
        if complete "$candidate" && ! on_intel_mac "$candidate"; then
            echo "$candidate"
            return
        fi
        unfit=${unfit:-$candidate}
    done
    why_none "$unfit" >&2
    return 1
}

# Says why there is no suitable Python; $1 is one that has the version and lacks something else, if any.
why_none() {
    name="PYTHON=/path/to/python3.12 make run"
    if [ -n "$1" ] && on_intel_mac "$1"; then
        echo "TensorFlow does not exist for this Python, which is one for Intel Macs; on an Apple silicon Mac install Python for arm64 from python.org, on an Intel Mac Headstart cannot run."
    elif [ -n "$1" ]; then
        echo "Python $(version_of "$1") lacks its venv module; on Debian or Ubuntu run \"sudo apt install python$(version_of "$1")-venv\", then try again."
    elif found=$(version_of "${PYTHON:-python3}"); then
        echo "Headstart needs Python 3.11, 3.12 or 3.13, but ${PYTHON:-python3} is $found; install one of them, or say where it is: $name"
    else
        echo "Headstart needs Python 3.11, 3.12 or 3.13, and ${PYTHON:-python3} is not here; install one of them, or say where it is: $name"
    fi
}
