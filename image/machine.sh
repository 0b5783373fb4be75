# A simulated hospital, and a box in QEMU beside it, in a network of their own. To be sourced, with bash; needs root.
# UEFI with Secure Boot, a TPM, no KVM. Nothing of the machine is changed.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$(realpath -m "${CARGO_TARGET_DIR:-$here/../target}")
programs=$target/debug
# How long the box may take until its lanes offer phones, and until it has looked at itself, in seconds.
patience=${PATIENCE:-1200}
children=()

# Begins anew in a network and a mount namespace of its own; all processes end with it.
inside() {
    [ "${1:-}" = --inside ] || exec unshare --net --mount --fork --kill-child -- "$0" --inside
    ip link set lo up
    work=$(mktemp --directory --tmpdir madoguchi-image.XXXXXX)
    trap finish EXIT
}

finish() {
    local child
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    wait 2>/dev/null || true
    if [ -n "${KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}

open_hospital() {
    "$programs/madoguchi-sim" --lanes 2 --directory "$work/hospital" --readers-elsewhere >"$work/hospital.log" 2>&1 &
    children+=($!)
    for _ in $(seq 300); do [ ! -e "$work/hospital/hospital.json" ] || break; sleep 0.2; done
    [ -e "$work/hospital/hospital.json" ] || { cat "$work/hospital.log"; exit 1; }
    control=$(json control)
    make_site
}

json() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$work/hospital/hospital.json"; }

# The configuration that the hospital made for a gateway beside it, as one for the appliance, and as a credential.
make_site() {
    local port
    port=$(json centre | sed 's/.*:\([0-9]*\).*/\1/')
    mkdir -p "$work/site"
    cp -r "$work/hospital/pki" "$work/site/"
    sed -e "s#$work/hospital/state#/var/lib/madoguchi#" \
        -e "s#$work/hospital/pki#/etc/madoguchi/pki#" \
        -e "s#$work/hospital/receipts#/var/lib/madoguchi-receipts#" \
        -e "s#^url = .*#url = \"https://10.0.3.2:$port\"\nserver_name = \"localhost\"#" \
        -e 's#^listen = "127.0.0.1:2820#listen = "0.0.0.0:2820#' \
        -e 's#^reader = .*(LANE\([0-9]*\)).*#reader = { serial = "LANE\1" }#' \
        "$work/hospital/gateway.toml" >"$work/site/madoguchi.toml"
    cat >>"$work/site/madoguchi.toml" <<'TOML'

[broker]
mode = "appliance"

[appliance.counter]
interface = "counter0"
socket = "pci-0000:00:10.0"
address = "10.0.2.15/24"

[appliance.line]
interface = "line0"
socket = "pci-0000:00:11.0"
address = "10.0.3.15/24"
TOML
    credential madoguchi.site < <(tar --create --gzip --directory "$work/site" .)
}

# credential NAME: hands the input to the box, as firmware would.
credential() {
    { printf 'io.systemd.credential.binary:%s=' "$1"; base64 --wrap=0; } >"$work/$1.credential"
    credentials+=(-smbios "type=11,path=$work/$1.credential")
}
credentials=()

# new_disk IMAGE: a disk with this image at its beginning, and firmware and TPM that have never seen a system.
new_disk() {
    cp --sparse=always "$1" "$work/disk.raw"
    truncate --size 8G "$work/disk.raw"
    cp /usr/share/OVMF/OVMF_VARS_4M.fd "$work/vars.fd"
    mkdir -p "$work/tpm"
}

# power_on [ARGUMENT…]: switches the box on; it writes to $work/serial.log.
power_on() {
    swtpm socket --tpm2 --tpmstate "dir=$work/tpm" --ctrl "type=unixio,path=$work/tpm.sock" --terminate \
        >"$work/tpm.log" 2>&1 &
    children+=($!)
    for _ in $(seq 50); do [ ! -S "$work/tpm.sock" ] || break; sleep 0.1; done
    power=$(date +%s.%N)
    local forward=hostfwd=tcp:127.0.0.1
    qemu-system-x86_64 -machine q35,smm=on -accel tcg,thread=multi -cpu max -smp 2 -m 1536 -display none -monitor none \
        -uuid 6d61646f-6775-6368-6921-746573740001 -serial "file:$work/serial.log" \
        -global driver=cfi.pflash01,property=secure,value=on \
        -drive if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd \
        -drive "if=pflash,format=raw,unit=1,file=$work/vars.fd" \
        -chardev "socket,id=tpm,path=$work/tpm.sock" -tpmdev emulator,id=tpm0,chardev=tpm \
        -device tpm-crb,tpmdev=tpm0 \
        -drive "if=none,id=disk,format=raw,file=$work/disk.raw,discard=unmap" \
        -device virtio-blk-pci,drive=disk,addr=0x0f \
        -netdev "user,id=counter,net=10.0.2.0/24,$forward:28201-:28201,$forward:28202-:28202,$forward:28101-:29111,$forward:28102-:29112" \
        -device virtio-net-pci,netdev=counter,mac=52:54:00:00:00:01,addr=0x10 \
        -netdev user,id=line,net=10.0.3.0/24 -device virtio-net-pci,netdev=line,mac=52:54:00:00:00:02,addr=0x11 \
        "${credentials[@]}" "$@" >"$work/qemu.log" 2>&1 &
    qemu=$!
    children+=("$qemu")
}

# until_said WORDS: waits until the box has said so on its serial line.
until_said() {
    local left
    for left in $(seq "$patience" -1 0); do
        ! grep -q "$1" "$work/serial.log" || return 0
        kill -0 "$qemu" 2>/dev/null || break
        sleep 1
    done
    echo "not said: $1 (${left} s left)"
    last_words
    return 1
}

last_words() {
    echo "== the box's last words"
    tail -n 150 "$work/serial.log" | tr -d '\r'
    tail -n 5 "$work/qemu.log" "$work/tpm.log" "$work/hospital.log"
}

# serve_visits: a visit of every kind at both lanes.
serve_visits() {
    "$programs/madoguchi-demo" visits --control "$control" --lanes 2 --patience-s "$patience" --since "$power"
}
