#!/bin/sh
# First program of the netboot environment: drivers, an address, then the agent.
# It only ever touches memory; what happens to disks is decided by the agent and its server.
export PATH=/bin:/sbin HOME=/ TERM=linux
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /run /tmp
echo 1 > /proc/sys/kernel/printk

# /dev/console is the last console only; the person may sit in front of any of them.
consoles=$(cat /sys/class/tty/console/active)
say() {
    for console in $consoles; do echo "$*" > "/dev/$console"; done
}

# The value of one word of the kernel command line.
word() {
    for each in $(cat /proc/cmdline); do
        case $each in "$1="*) echo "${each#*=}" ;; esac
    done
}

# Both languages, like the agent's own screen: t ENGLISH FRENCH.
t() {
    case $(word reprise.locale) in fr*) echo "$2" ;; *) echo "$1" ;; esac
}

# One on each console.
shells() {
    for console in $consoles; do
        [ "$console" = tty0 ] && console=tty1
        setsid sh -c "while :; do sh -i <>/dev/$console >&0 2>&1; sleep 1; done" &
    done
}

# After a failure: a shell for whoever is there, and a new start for whoever is not, because a PC that
# stands at a prompt on a Monday morning is worse than one that tries again.
give_up() {
    say ""
    say "Reprise: $*"
    say "Reprise: $(t "a shell is open here; this machine starts again in 5 minutes, type 'stay' to prevent that." \
        "une console est ouverte ici ; ce poste redémarre dans 5 minutes, taper « stay » pour l'empêcher.")"
    shells
    sleep 300
    while [ -e /run/stay ]; do sleep 60; done
    reboot -f
}

say "Reprise: $(t "looking for hardware" "recherche du matériel")"
# Drivers show new buses, which need drivers: until nothing new has shown up for a second.
# Without udev the kernel has no signal for "that was all".
known=
still=0
tries=0
while [ $still -lt 2 ] && [ $tries -lt 20 ]; do
    tries=$((tries + 1))
    found=$(find /sys/devices -name modalias -exec cat {} + 2>/dev/null | sort -u)
    if [ "$found" = "$known" ]; then
        still=$((still + 1))
        sleep 1
    else
        known=$found
        still=0
        echo "$found" | tr '\n' '\0' | xargs -0 modprobe -qa 2>/dev/null
    fi
done
if [ -d /sys/firmware/efi ]; then
    modprobe -q efivarfs
    mount -t efivarfs efivarfs /sys/firmware/efi/efivars 2>/dev/null
fi

# The card that the firmware booted from first, then every other one.
wanted=$(word reprise.mac | tr -d ':-' | tr A-F a-f)
cards() {
    for pass in wanted other; do
        for card in /sys/class/net/*; do
            [ -e "$card/device" ] || continue
            mac=$(tr -d ':' < "$card/address")
            if [ "$mac" = "$wanted" ]; then [ $pass = wanted ]; else [ $pass = other ]; fi && echo "${card##*/}"
        done
    done
}

online=
for round in 1 2 3; do
    for card in $(cards); do
        say "Reprise: $(t "asking for an address on $card" "demande d'une adresse sur $card")"
        ip link set "$card" up
        # A switch port may take 30 s before it passes anything (spanning tree).
        if udhcpc -i "$card" -n -t 12 -T 3 -A 1 -V reprise -s /etc/udhcpc.sh > /run/udhcpc.log 2>&1; then
            online=$card
            break 2
        fi
    done
done
if [ -z "$(cards)" ]; then
    give_up "$(t "no driver for the network card of this machine; its devices are listed in /sys/bus/pci/devices" \
        "aucun pilote pour la carte réseau de ce poste ; ses composants sont dans /sys/bus/pci/devices")"
fi
if [ -z "$online" ]; then
    tried=$(cards | tr '\n' ' ')
    give_up "$(t "no DHCP server has answered on $tried; check the cable and the switch port" \
        "aucun serveur DHCP n'a répondu sur $tried ; vérifier le câble et le port du commutateur")"
fi
say "Reprise: $online $(ip -4 -o addr show dev "$online" | awk '{ print $4; exit }')"

# Chosen in the menu, or by an operator for this machine.
if [ "$(word reprise.task)" = rescue ]; then
    say ""
    say "Reprise: $(t "RESCUE: a shell is open here, with the network up; nothing is changed on this machine by itself." \
        "SECOURS : une console est ouverte ici, avec le réseau ; rien n'est modifié sur ce poste de soi-même.")"
    say "Reprise: $(t "'reprise vault --help' reads backups, 'reboot -f' restarts." \
        "« reprise vault --help » lit les sauvegardes, « reboot -f » redémarre.")"
    shells
    while :; do sleep 3600; done
fi

# The agent writes to every console and restarts the machine itself; it comes back only when it cannot go on.
# Started from a stick, nobody said which card: the one that got an address.
if [ -n "$wanted" ]; then
    reprise agent
else
    reprise agent --mac "$(cat "/sys/class/net/$online/address")"
fi
code=$?
give_up "$(t "the agent ended with code $code; its reason stands above" \
    "l'agent s'est arrêté avec le code $code ; la raison est affichée ci-dessus")"
