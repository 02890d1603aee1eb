#!/bin/sh
# Called by udhcpc with what the DHCP server gave: an address, the way out, and whom to ask for names (a boot
# stick may name its appliance, whose address then may change).
case $1 in
deconfig)
    ip -4 addr flush dev "$interface"
    ip link set "$interface" up
    ;;
bound | renew)
    ip -4 addr replace "$ip/${mask:-24}" dev "$interface"
    for gateway in $router; do
        ip route replace default via "$gateway" dev "$interface" && break
    done
    for name_server in $dns; do echo "nameserver $name_server"; done > /etc/resolv.conf
    ;;
esac
