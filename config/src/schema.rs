//! Every table and key of the configuration, once: the walk checks against this table, and the
//! example is printed from it.

/// What a key takes. Defaults and examples are written as TOML.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// One line of free text.
    Label,
    /// One line that a program wrote or that names a place: a URL, a hash, a command line.
    Line,
    /// A name used in commands and URLs.
    Name,
    Names,
    Choice {
        values: &'static [&'static str],
        /// Words the documentation of the product promises, that this version does not know.
        later: &'static [&'static str],
    },
    /// IPv4 addresses.
    Ipv4s,
    /// Ranges of IPv4 addresses, or single ones.
    Ipv4Ranges,
    Domain,
    Domains,
    Path,
    Paths,
    /// Patterns as of a `.gitignore` file.
    Patterns,
    /// Where a vault lies: a path, or `sftp://`.
    Url,
    /// Where a database is: `mariadb://` or `postgresql://`.
    Database,
    Interface,
    Switch,
    Whole {
        least: i64,
        most: i64,
    },
    Duration,
    Time,
    Timezone,
    Address,
    Filter,
    /// A bare mail address.
    Mailbox,
    Mailboxes,
    /// A host and its port.
    Server,
    /// `http://` or `https://`, of a server.
    Web,
    /// What is added to an address: `/fail`.
    Suffix,
    Inline(&'static [Key]),
    /// A key that this version refuses, and what to do instead.
    Refused(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) need: Need,
    /// What it is for, one line per entry.
    pub(crate) doc: &'static [&'static str],
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Need {
    /// Must be written; the example shows this value.
    Required {
        example: &'static str,
        hint: &'static str,
    },
    /// Must be written, unless one of the others is.
    RequiredUnless {
        others: &'static [&'static str],
        example: &'static str,
        hint: &'static str,
    },
    Default(&'static str),
    /// May be absent; the example shows this value, commented.
    Optional {
        example: &'static str,
    },
}

impl Need {
    pub(crate) fn example(self) -> &'static str {
        match self {
            Need::Required { example, .. }
            | Need::RequiredUnless { example, .. }
            | Need::Optional { example } => example,
            Need::Default(value) => value,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) doc: &'static [&'static str],
    pub(crate) keys: &'static [Key],
    /// The example shows it commented: it acts on the outside world as soon as it is there.
    pub(crate) commented: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `[name]`, must be there.
    Needed,
    /// `[name]`, all defaults when absent.
    Single,
    /// `[[name]]`, any number.
    Many,
}

impl Table {
    pub(crate) fn header(&self) -> String {
        match self.shape {
            Shape::Many => format!("[[{}]]", self.name),
            Shape::Needed | Shape::Single => format!("[{}]", self.name),
        }
    }
}

/// Tables that later versions read.
pub(crate) const LATER_TABLES: &[(&str, &str)] =
    &[("service", "a service is a plan in this version")];

pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "appliance",
        shape: Shape::Needed,
        doc: &["The box itself."],
        commented: false,
        keys: &[
            Key {
                name: "name",
                kind: Kind::Label,
                need: Need::Required {
                    example: "\"agen\"",
                    hint: "the name of this box",
                },
                doc: &[
                    "Shown in the console, the plan and the boot menu; written in every snapshot.",
                ],
            },
            Key {
                name: "state_dir",
                kind: Kind::Path,
                need: Need::Default("\"/var/lib/reprise\""),
                doc: &[
                    "Folder of what the machine learns: database, certificate, boot files, scratch space of proofs.",
                ],
            },
            Key {
                name: "database_url_file",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/database-url\"",
                },
                doc: &[
                    "A file whose first line is the URL of a PostgreSQL database, as in postgres://user:password@host/reprise.",
                    "Without it: SQLite in state_dir.",
                ],
            },
            Key {
                name: "locale",
                kind: Kind::Choice {
                    values: &["fr", "en"],
                    later: &[],
                },
                need: Need::Default("\"fr\""),
                doc: &["Language of the console until someone chooses: fr | en."],
            },
            Key {
                name: "timezone",
                kind: Kind::Timezone,
                need: Need::Default("\"Europe/Paris\""),
                doc: &["The hours of the plans are local to it; an IANA name."],
            },
            Key {
                name: "image_target",
                kind: Kind::Name,
                need: Need::Optional { example: "\"nas\"" },
                doc: &["Name of the target that holds OS images. Without it: the first target."],
            },
            Key {
                name: "index_memory_mb",
                kind: Kind::Whole {
                    least: 16,
                    most: 65_536,
                },
                need: Need::Default("512"),
                doc: &[
                    "Most memory that the indexes of all vaults take together, in MB; what is beyond lies in scratch files.",
                    "A million chunks (64 GB of files or so) take 32 MB.",
                ],
            },
            Key {
                name: "keep_free_mb",
                kind: Kind::Whole {
                    least: 0,
                    most: 10_000_000,
                },
                need: Need::Default("1024"),
                doc: &[
                    "A vault on the disk of the system, or of state_dir, stops growing when less than this is free there, in MB.",
                ],
            },
            Key {
                name: "scan",
                kind: Kind::Paths,
                need: Need::Optional {
                    example: "[\"/home\", \"/srv\", \"/var/www\"]",
                },
                doc: &[
                    "Folders of this box that are looked into for what no plan saves (`reprise unprotected list`). Without it:",
                    "/home, /srv and /var/www.",
                ],
            },
        ],
    },
    Table {
        name: "console",
        shape: Shape::Single,
        doc: &["The web console and its API."],
        commented: false,
        keys: &[Key {
            name: "listen",
            kind: Kind::Address,
            need: Need::Default("\"0.0.0.0:8443\""),
            doc: &[
                "Address and port of HTTPS; the certificate is made at the first start. Port 0 takes any free one,",
                "written to ports.json in state_dir.",
            ],
        }],
    },
    Table {
        name: "log",
        shape: Shape::Single,
        doc: &["Messages on stderr."],
        commented: false,
        keys: &[
            Key {
                name: "format",
                kind: Kind::Choice {
                    values: &["human", "json"],
                    later: &[],
                },
                need: Need::Default("\"human\""),
                doc: &["human | json."],
            },
            Key {
                name: "filter",
                kind: Kind::Filter,
                need: Need::Default("\"info\""),
                doc: &[
                    "off, error, warn, info, debug or trace; more for one part: info,provisioner=debug.",
                ],
            },
        ],
    },
    Table {
        name: "notify",
        shape: Shape::Single,
        doc: &[
            "Messages: one when something breaks, one when it works again, one every morning. They wait in the state",
            "while a server is down. `reprise notify test` tries each way and prints what its server answers.",
        ],
        commented: true,
        keys: &[
            Key {
                name: "morning",
                kind: Kind::Time,
                need: Need::Default("\"07:00\""),
                doc: &["Local hour of the morning message and of the ping."],
            },
            Key {
                name: "every",
                kind: Kind::Choice {
                    values: &["day", "week"],
                    later: &[],
                },
                need: Need::Default("\"day\""),
                doc: &[
                    "day | week: every morning, or on Mondays only. Monday's message also tells of the week.",
                ],
            },
            Key {
                name: "smtp",
                kind: Kind::Server,
                need: Need::Optional {
                    example: "\"smtp.example.net:587\"",
                },
                doc: &["Mail server and its port."],
            },
            Key {
                name: "smtp_security",
                kind: Kind::Choice {
                    values: &["starttls", "tls", "none"],
                    later: &[],
                },
                need: Need::Default("\"starttls\""),
                doc: &[
                    "starttls (mostly port 587) | tls (mostly port 465) | none (a server on this box or this network).",
                ],
            },
            Key {
                name: "smtp_user",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"reprise@example.net\"",
                },
                doc: &["Log-in name at the mail server, where it wants one."],
            },
            Key {
                name: "smtp_password_file",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/smtp-password\"",
                },
                doc: &[
                    "A file whose first line is the password of smtp_user, readable by reprise only.",
                ],
            },
            Key {
                name: "mail_from",
                kind: Kind::Mailbox,
                need: Need::Optional {
                    example: "\"reprise@example.net\"",
                },
                doc: &["The address that mails come from."],
            },
            Key {
                name: "mail_to",
                kind: Kind::Mailboxes,
                need: Need::Optional {
                    example: "[\"admin@example.net\"]",
                },
                doc: &["The addresses that mails go to; each gets a mail of its own."],
            },
            Key {
                name: "mattermost_url_file",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/mattermost-url\"",
                },
                doc: &[
                    "A file whose first line is the address of an incoming webhook of Mattermost; it is a secret.",
                ],
            },
            Key {
                name: "ping_url_file",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/ping-url\"",
                },
                doc: &[
                    "A file whose first line is an address that is fetched (GET) each morning after a good night, so that",
                    "somebody else tells you when this box has died. As of healthchecks.io; it is a secret.",
                ],
            },
            Key {
                name: "ping_fail_suffix",
                kind: Kind::Suffix,
                need: Need::Optional {
                    example: "\"/fail\"",
                },
                doc: &[
                    "Added to that address after a bad night. Without it: a bad night is told by no ping.",
                ],
            },
            Key {
                name: "ca_file",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/company-ca.pem\"",
                },
                doc: &[
                    "Certificates (PEM) to trust for these servers, beside those the system trusts.",
                ],
            },
        ],
    },
    Table {
        name: "network",
        shape: Shape::Many,
        doc: &[
            "A network whose PCs boot from here. None: network boot is off. One block for each interface.",
        ],
        commented: true,
        keys: &[
            Key {
                name: "interface",
                kind: Kind::Interface,
                need: Need::Required {
                    example: "\"eth0\"",
                    hint: "the name that `ip link` shows",
                },
                doc: &["Name of the network interface, as `ip link` shows it."],
            },
            Key {
                name: "dhcp",
                kind: Kind::Choice {
                    values: &["off", "proxy", "server"],
                    later: &[],
                },
                need: Need::Default("\"proxy\""),
                doc: &[
                    "proxy lives beside the DHCP server that is already there and never gives an address;",
                    "server gives the addresses itself, those of [[dhcp_subnet]], on a network that has no DHCP server;",
                    "off serves TFTP and HTTP only.",
                ],
            },
            Key {
                name: "http_port",
                kind: Kind::Whole {
                    least: 0,
                    most: 65535,
                },
                need: Need::Default("8067"),
                doc: &["TCP port of the boot files on this interface; 0 takes any free one."],
            },
        ],
    },
    Table {
        name: "dhcp_subnet",
        shape: Shape::Many,
        doc: &[
            "The addresses given where the role of an interface is server: on its own network, and on those whose",
            "routers relay DHCP to this box. One block for each network.",
        ],
        commented: true,
        keys: &[
            Key {
                name: "network",
                kind: Kind::Label,
                need: Need::Required {
                    example: "\"192.168.1.0/24\"",
                    hint: "the first address of the network and its length",
                },
                doc: &["First address and length of the network."],
            },
            Key {
                name: "ranges",
                kind: Kind::Ipv4Ranges,
                need: Need::Required {
                    example: "[\"192.168.1.100-192.168.1.199\"]",
                    hint: "the addresses that machines get",
                },
                doc: &[
                    "The addresses that machines get; not those of this box, the router, printers.",
                ],
            },
            Key {
                name: "exclude",
                kind: Kind::Ipv4Ranges,
                need: Need::Optional {
                    example: "[\"192.168.1.150-192.168.1.159\"]",
                },
                doc: &["Addresses inside the ranges that are not given."],
            },
            Key {
                name: "lease",
                kind: Kind::Duration,
                need: Need::Default("\"8h\""),
                doc: &[
                    "How long a machine keeps its address without asking again; it asks at the half.",
                ],
            },
            Key {
                name: "router",
                kind: Kind::Ipv4s,
                need: Need::Optional {
                    example: "[\"192.168.1.1\"]",
                },
                doc: &["The way out, as machines are told. Without it they stay in their network."],
            },
            Key {
                name: "dns",
                kind: Kind::Ipv4s,
                need: Need::Optional {
                    example: "[\"192.168.1.1\"]",
                },
                doc: &["Name servers, as machines are told."],
            },
            Key {
                name: "domain",
                kind: Kind::Domain,
                need: Need::Optional {
                    example: "\"lan.example\"",
                },
                doc: &["Domain of the machines' own names."],
            },
            Key {
                name: "search",
                kind: Kind::Domains,
                need: Need::Optional {
                    example: "[\"lan.example\"]",
                },
                doc: &["Domains that short names are looked for in."],
            },
            Key {
                name: "ntp",
                kind: Kind::Ipv4s,
                need: Need::Optional {
                    example: "[\"192.168.1.1\"]",
                },
                doc: &["Time servers, as machines are told."],
            },
            Key {
                name: "authoritative",
                kind: Kind::Switch,
                need: Need::Default("true"),
                doc: &[
                    "A machine that comes with an address nobody gave here is told at once to ask for another. false",
                    "where a second DHCP server gives other addresses of the same network.",
                ],
            },
        ],
    },
    Table {
        name: "dhcp_reservation",
        shape: Shape::Many,
        doc: &["An address that one machine gets always, and nobody else. One block for each."],
        commented: true,
        keys: &[
            Key {
                name: "mac",
                kind: Kind::Label,
                need: Need::Required {
                    example: "\"52:54:00:12:34:56\"",
                    hint: "the hardware address of its network card",
                },
                doc: &["Hardware address of its network card."],
            },
            Key {
                name: "address",
                kind: Kind::Label,
                need: Need::Required {
                    example: "\"192.168.1.20\"",
                    hint: "an address of one of the subnets",
                },
                doc: &["An address of one of the subnets, in its ranges or not."],
            },
            Key {
                name: "name",
                kind: Kind::Name,
                need: Need::Optional {
                    example: "\"printer\"",
                },
                doc: &["The host name it is told."],
            },
        ],
    },
    Table {
        name: "dhcp_profile",
        shape: Shape::Many,
        doc: &[
            "Other words for some machines; the first block that fits decides. What is not written is as in the subnet.",
        ],
        commented: true,
        keys: &[
            Key {
                name: "mac",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"52:54:00:*\"",
                },
                doc: &["Hardware address; `*` stands for anything."],
            },
            Key {
                name: "vendor_class",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"Cisco*\"",
                },
                doc: &["What the machine calls its kind (option 60); `*` stands for anything."],
            },
            Key {
                name: "lease",
                kind: Kind::Duration,
                need: Need::Optional { example: "\"30m\"" },
                doc: &["Another lease time."],
            },
            Key {
                name: "router",
                kind: Kind::Ipv4s,
                need: Need::Optional {
                    example: "[\"192.168.1.254\"]",
                },
                doc: &["Another way out."],
            },
            Key {
                name: "dns",
                kind: Kind::Ipv4s,
                need: Need::Optional {
                    example: "[\"192.168.1.2\"]",
                },
                doc: &["Other name servers."],
            },
            Key {
                name: "domain",
                kind: Kind::Domain,
                need: Need::Optional {
                    example: "\"bench.example\"",
                },
                doc: &["Another domain."],
            },
            Key {
                name: "search",
                kind: Kind::Domains,
                need: Need::Optional {
                    example: "[\"bench.example\"]",
                },
                doc: &["Other domains to search."],
            },
            Key {
                name: "ntp",
                kind: Kind::Ipv4s,
                need: Need::Optional {
                    example: "[\"192.168.1.2\"]",
                },
                doc: &["Other time servers."],
            },
        ],
    },
    Table {
        name: "boot",
        shape: Shape::Single,
        doc: &["The menu that a [[boot_rule]] gives to whoever stands before a PC."],
        commented: true,
        keys: &[Key {
            name: "menu_password",
            kind: Kind::Line,
            need: Need::Optional {
                example: "\"argon2id:19456:2:0000000000000000:0000000000000000000000000000000000000000000000000000000000000000\"",
            },
            doc: &[
                "Asked before that menu: the line that `reprise boot menu-password` prints, never the password itself.",
                "It travels in the clear on that network: choose one that opens nothing else.",
            ],
        }],
    },
    Table {
        name: "boot_entry",
        shape: Shape::Many,
        doc: &[
            "Something of your own that PCs can start over the network: in the menu, by `reprise boot next`, by a rule.",
            "Exactly one of `kernel`, `efi` and `iso`. It may erase: only PCs that somebody chose or approved get it.",
        ],
        commented: true,
        keys: &[
            Key {
                name: "name",
                kind: Kind::Name,
                need: Need::Required {
                    example: "\"debian\"",
                    hint: "a short name for commands and rules",
                },
                doc: &["The name that rules and commands give."],
            },
            Key {
                name: "title",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"Debian installer\"",
                },
                doc: &["What the menu shows, in plain letters."],
            },
            Key {
                name: "kernel",
                kind: Kind::Line,
                need: Need::Optional {
                    example: "\"http://192.168.1.10/debian/linux\"",
                },
                doc: &["A Linux kernel; or `efi`, or `iso`. By http://, fetched by the PC itself."],
            },
            Key {
                name: "initrd",
                kind: Kind::Line,
                need: Need::Optional {
                    example: "\"http://192.168.1.10/debian/initrd.gz\"",
                },
                doc: &["Its initramfs."],
            },
            Key {
                name: "arguments",
                kind: Kind::Line,
                need: Need::Optional {
                    example: "\"auto=true priority=critical\"",
                },
                doc: &["Its command line."],
            },
            Key {
                name: "efi",
                kind: Kind::Line,
                need: Need::Optional {
                    example: "\"http://192.168.1.10/tool.efi\"",
                },
                doc: &["Instead: a UEFI program."],
            },
            Key {
                name: "iso",
                kind: Kind::Line,
                need: Need::Optional {
                    example: "\"http://192.168.1.10/rescue.iso\"",
                },
                doc: &["Instead: a disc image, started as a disc over the network."],
            },
        ],
    },
    Table {
        name: "boot_rule",
        shape: Shape::Many,
        doc: &[
            "What a PC gets when nobody asked for anything else; the first rule that fits decides. All keys that are",
            "written must fit; `*` stands for anything. Without rules: inventory of unknown PCs, silence to known ones.",
        ],
        commented: true,
        keys: &[
            Key {
                name: "serial",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"5CG*\"",
                },
                doc: &["Serial number, as the agent reported it."],
            },
            Key {
                name: "uuid",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"33221100-5544-7766-8899-aabbccddeeff\"",
                },
                doc: &["UUID of the machine, in either byte order."],
            },
            Key {
                name: "mac",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"52:54:00:*\"",
                },
                doc: &["Hardware address: a hint only, docks go around."],
            },
            Key {
                name: "vendor",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"Dell*\"",
                },
                doc: &["Maker, as the agent reported it."],
            },
            Key {
                name: "model",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"OptiPlex*\"",
                },
                doc: &["Model, as the agent reported it."],
            },
            Key {
                name: "subnet",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"192.168.20.0/24\"",
                },
                doc: &["The network it is in, by its relay or by the interface."],
            },
            Key {
                name: "relay_port",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"Gi1/0/12\"",
                },
                doc: &[
                    "The switch port, where the switch adds it (option 82); bytes as hex digits.",
                ],
            },
            Key {
                name: "give",
                kind: Kind::Name,
                need: Need::Required {
                    example: "\"silence\"",
                    hint: "agent, menu, silence or the name of a boot entry",
                },
                doc: &[
                    "agent | menu | silence | the name of a [[boot_entry]]. Menu and entries are for PCs that the console",
                    "approved; others get the agent.",
                ],
            },
        ],
    },
    Table {
        name: "hosts",
        shape: Shape::Single,
        doc: &["What PCs are called (docs/hosts.md)."],
        commented: false,
        keys: &[
            Key {
                name: "naming",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"PC-{serial:-6}\"",
                },
                doc: &[
                    "The name that approval gives: letters, digits, `-`, and fields: {n} counts and fills gaps ({n:02}: two",
                    "digits), {serial} {model} {vendor} {user} {port} {site} {profile} {mac}, {serial:-6} its last 6 signs,",
                    "{user:8} its first 8. Without it: a PC keeps the name it was first shown by.",
                ],
            },
            Key {
                name: "reserved",
                kind: Kind::Patterns,
                need: Need::Optional {
                    example: "[\"SRV-*\", \"COMPTA-PC13\"]",
                },
                doc: &["Names that are never given by a rule; `*` stands for anything."],
            },
            Key {
                name: "longest_name",
                kind: Kind::Whole { least: 4, most: 63 },
                need: Need::Default("15"),
                doc: &[
                    "Most signs of a name that a rule gives: 15 for Windows (NetBIOS), 63 where there is none.",
                ],
            },
            Key {
                name: "warranty_warning",
                kind: Kind::Duration,
                need: Need::Default("\"60d\""),
                doc: &["A warranty that ends within this time is shown beside its PC."],
            },
        ],
    },
    Table {
        name: "profile",
        shape: Shape::Many,
        doc: &["What some PCs have in common; chosen when they are approved. One block for each."],
        commented: true,
        keys: &[
            Key {
                name: "name",
                kind: Kind::Name,
                need: Need::Required {
                    example: "\"compta\"",
                    hint: "the name that commands and pages give",
                },
                doc: &["The name that commands and pages give."],
            },
            Key {
                name: "naming",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"COMPTA-PC{n:02}\"",
                },
                doc: &["What its PCs are called, as `naming` in [hosts]. Without it: that one."],
            },
        ],
    },
    Table {
        name: "site",
        shape: Shape::Many,
        doc: &[
            "A place with networks of its own, told by the network that a PC boots in: {site} in names, the packet that",
            "switches a PC on behind a router, the site in exports. One block for each.",
        ],
        commented: true,
        keys: &[
            Key {
                name: "name",
                kind: Kind::Name,
                need: Need::Required {
                    example: "\"agen\"",
                    hint: "the name of the place",
                },
                doc: &["The name of the place."],
            },
            Key {
                name: "subnets",
                kind: Kind::Patterns,
                need: Need::Required {
                    example: "[\"192.168.20.0/24\"]",
                    hint: "its networks",
                },
                doc: &["Its networks; the narrowest that holds a PC's address decides."],
            },
        ],
    },
    Table {
        name: "target",
        shape: Shape::Many,
        doc: &[
            "A place where a vault lives. At least one should be outside this box. One block for each.",
        ],
        commented: false,
        keys: &[
            Key {
                name: "name",
                kind: Kind::Name,
                need: Need::Required {
                    example: "\"nas\"",
                    hint: "a short name for the plans",
                },
                doc: &["The name that plans give."],
            },
            Key {
                name: "url",
                kind: Kind::Url,
                need: Need::Required {
                    example: "\"/mnt/nas/reprise\"",
                    hint: "the folder of the vault",
                },
                doc: &[
                    "Folder of the vault: a mounted share or a disk; or sftp://user@host[:port]/folder, which needs no mount",
                    "(sftp://user@host/~/folder lies below that user's own). Made by `reprise vault init`, never by `serve`.",
                ],
            },
            Key {
                name: "ssh_key",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/nas-key\"",
                },
                doc: &[
                    "For sftp://: the user's private key, without a passphrase, readable by reprise only.",
                ],
            },
            Key {
                name: "ssh_password_file",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/nas-login\"",
                },
                doc: &[
                    "For sftp://, instead of ssh_key: a file that holds the user's password on its first line.",
                ],
            },
            Key {
                name: "known_hosts",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/known_hosts\"",
                },
                doc: &[
                    "For sftp://: the host keys that are right, as OpenSSH's known_hosts; `reprise vault init URL --host-key …`",
                    "writes it. Without it: /etc/reprise/known_hosts.",
                ],
            },
            Key {
                name: "must_be_mounted",
                kind: Kind::Switch,
                need: Need::Default("false"),
                doc: &[
                    "true refuses to write unless something is mounted there: an unmounted NAS is then an error,",
                    "never a full system disk.",
                ],
            },
            Key {
                name: "removable",
                kind: Kind::Switch,
                need: Need::Default("false"),
                doc: &[
                    "true for a disk that is plugged in and taken away: saved to as soon as it is there, away is no incident until",
                    "it is late. Several disks may take turns under the same folder. Implies must_be_mounted.",
                ],
            },
            Key {
                name: "expected_every",
                kind: Kind::Duration,
                need: Need::Optional { example: "\"7d\"" },
                doc: &["For removable: away for longer than this is late. Without it: 7d."],
            },
            Key {
                name: "password_file",
                kind: Kind::Path,
                need: Need::Required {
                    example: "\"/etc/reprise/nas-password\"",
                    hint: "a file that holds the vault's password on its first line; make one with `umask 077; head -c 24 /dev/urandom | base64 > nas-password`, and keep a copy of it outside this box",
                },
                doc: &[
                    "A file that holds the vault's password on its first line, readable by reprise only.",
                    "Keep a copy outside this box: without it the vault is lost.",
                ],
            },
            Key {
                name: "password",
                kind: Kind::Refused(
                    "is not read here, so that this file holds no secret; write the password in a file of its own, and name it with password_file",
                ),
                need: Need::Optional { example: "" },
                doc: &[],
            },
        ],
    },
    Table {
        name: "server",
        shape: Shape::Many,
        doc: &[
            "A machine that files are restored to over SFTP, from the console or by `reprise restore --to sftp://…`. One block",
            "for each; without one, files are restored to folders of this box.",
        ],
        commented: true,
        keys: &[
            Key {
                name: "name",
                kind: Kind::Name,
                need: Need::Required {
                    example: "\"erp\"",
                    hint: "a short name for the console",
                },
                doc: &["The name that the console shows."],
            },
            Key {
                name: "url",
                kind: Kind::Url,
                need: Need::Required {
                    example: "\"sftp://root@erp.lan/srv\"",
                    hint: "sftp://user@host/folder",
                },
                doc: &[
                    "sftp://user@host[:port]/folder: restores are written below this folder and nowhere else there. Owners of files",
                    "come back only when the user is root.",
                ],
            },
            Key {
                name: "ssh_key",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/erp-key\"",
                },
                doc: &["The user's private key, without a passphrase, readable by reprise only."],
            },
            Key {
                name: "ssh_password_file",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/erp-login\"",
                },
                doc: &[
                    "Or the user's password, on the first line of a file readable by reprise only.",
                ],
            },
            Key {
                name: "known_hosts",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/known_hosts\"",
                },
                doc: &[
                    "The host keys that are right, as OpenSSH's known_hosts. Without it: /etc/reprise/known_hosts.",
                ],
            },
            Key {
                name: "host_key",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDwzRgAdFf0cH5JlAQ\"",
                },
                doc: &[
                    "Fingerprint of the server's host key, as shown on it by `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`:",
                    "the first connection compares it and writes the key to known_hosts. A key that is in known_hosts needs none.",
                ],
            },
        ],
    },
    Table {
        name: "glpi",
        shape: Shape::Single,
        doc: &[
            "What approved PCs are, sent to a GLPI (10 or later) in its own format; what waits is kept while it is down",
            "(docs/hosts.md).",
        ],
        commented: true,
        keys: &[
            Key {
                name: "url",
                kind: Kind::Web,
                need: Need::Optional {
                    example: "\"https://glpi.example.net\"",
                },
                doc: &[
                    "Its address, as you open it, or that of the page which takes inventories. Inventory is switched on in GLPI",
                    "under Administration > Inventory.",
                ],
            },
            Key {
                name: "user",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"reprise\"",
                },
                doc: &[
                    "Log-in name of the inventory, where GLPI wants one (Basic authentication).",
                ],
            },
            Key {
                name: "password_file",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/glpi-password\"",
                },
                doc: &[
                    "A file whose first line is the password of user, readable by reprise only.",
                ],
            },
            Key {
                name: "tag",
                kind: Kind::Label,
                need: Need::Optional {
                    example: "\"agen\"",
                },
                doc: &["The tag by which GLPI's rules choose the entity."],
            },
            Key {
                name: "ca_file",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/company-ca.pem\"",
                },
                doc: &["Certificates (PEM) to trust for it, beside those the system trusts."],
            },
        ],
    },
    Table {
        name: "plan",
        shape: Shape::Many,
        doc: &["What is saved, when, where, and how it is proven. One block for each."],
        commented: false,
        keys: &[
            Key {
                name: "name",
                kind: Kind::Name,
                need: Need::Required {
                    example: "\"compta\"",
                    hint: "a short name for the commands",
                },
                doc: &[
                    "The name that commands and pages give. `appliance` is taken: it is the appliance's own backup.",
                ],
            },
            Key {
                name: "files",
                kind: Kind::Paths,
                need: Need::RequiredUnless {
                    others: &["database", "recipe"],
                    example: "[\"/srv/partage/compta\"]",
                    hint: "the folders and files to save (or `database`, or `recipe`)",
                },
                doc: &["Folders and files to save."],
            },
            Key {
                name: "database",
                kind: Kind::Database,
                need: Need::Optional {
                    example: "\"mariadb://reprise@erp.lan/dolibarr\"",
                },
                doc: &[
                    "A database to save beside them, or alone: mariadb://user@host[:port]/name or postgresql://user@host/name;",
                    "on this box also mariadb://user@localhost/name?socket=/run/mysqld/mysqld.sock. Rights: docs/databases.md.",
                ],
            },
            Key {
                name: "database_password_file",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/etc/reprise/dolibarr-password\"",
                },
                doc: &[
                    "A file that holds the password of the database's user on its first line, readable by reprise only.",
                ],
            },
            Key {
                name: "recipe",
                kind: Kind::Choice {
                    values: &["dolibarr", "nextcloud"],
                    later: &[],
                },
                need: Need::Optional {
                    example: "\"dolibarr\"",
                },
                doc: &[
                    "dolibarr | nextcloud: an application whole. Its database, documents and settings are found by its own",
                    "configuration; a part that is missing or empty is a problem of the run.",
                ],
            },
            Key {
                name: "folder",
                kind: Kind::Path,
                need: Need::Optional {
                    example: "\"/var/www/dolibarr\"",
                },
                doc: &["For `recipe`: the folder where the application is installed."],
            },
            Key {
                name: "exclude",
                kind: Kind::Patterns,
                need: Need::Optional {
                    example: "[\"*.tmp\", \"/cache/\", \"!important.tmp\"]",
                },
                doc: &[
                    "What of them is left out: lines as in a .gitignore file; `/` at the front ties a pattern to the top of",
                    "each folder saved, `/` at the end to folders.",
                ],
            },
            Key {
                name: "skip_caches",
                kind: Kind::Switch,
                need: Need::Default("false"),
                doc: &["true leaves out folders that call themselves a cache (CACHEDIR.TAG)."],
            },
            Key {
                name: "at",
                kind: Kind::Time,
                need: Need::Optional {
                    example: "\"02:00\"",
                },
                doc: &["Local hour of the daily run. Without it: only by `reprise plan run`."],
            },
            Key {
                name: "targets",
                kind: Kind::Names,
                need: Need::Required {
                    example: "[\"nas\"]",
                    hint: "the names of the targets to save to",
                },
                doc: &["Names of the targets; each receives the whole plan."],
            },
            Key {
                name: "keep",
                kind: Kind::Inline(&[
                    kept("last"),
                    kept("hourly"),
                    kept("daily"),
                    kept("weekly"),
                    kept("monthly"),
                    kept("yearly"),
                ]),
                need: Need::Optional {
                    example: "{ last = 0, hourly = 0, daily = 14, weekly = 8, monthly = 24, yearly = 0 }",
                },
                doc: &[
                    "How many restore points to keep of each kind: the newest of so many hours, days, weeks, months, years",
                    "that have one. What no rule keeps is forgotten after a run, and its place freed once a day; never the",
                    "newest, the newest proven, or one that is held. Without `keep`: every restore point stays.",
                ],
            },
            Key {
                name: "tier",
                kind: Kind::Whole { least: 1, most: 4 },
                need: Need::Default("3"),
                doc: &["Order in which services come back: 1 (first) to 4."],
            },
            Key {
                name: "rpo",
                kind: Kind::Duration,
                need: Need::Optional { example: "\"24h\"" },
                doc: &["Most data loss the company accepts: 30m, 24h, 7d."],
            },
            Key {
                name: "rto",
                kind: Kind::Duration,
                need: Need::Optional { example: "\"4h\"" },
                doc: &["Longest time to get it back."],
            },
            Key {
                name: "prove",
                kind: Kind::Inline(&[
                    Key {
                        name: "level",
                        kind: Kind::Choice {
                            values: &["listed", "scrubbed", "restored", "loaded"],
                            later: &["booted", "drilled", "redeployed"],
                        },
                        need: Need::Default("\"loaded\""),
                        doc: &[],
                    },
                    Key {
                        name: "every",
                        kind: Kind::Duration,
                        need: Need::Optional { example: "\"7d\"" },
                        doc: &[],
                    },
                ]),
                need: Need::Optional {
                    example: "{ level = \"loaded\", every = \"7d\" }",
                },
                doc: &[
                    "How restoring is proven: listed (every object is there), scrubbed (every byte is read and verified),",
                    "restored (restored to scratch and compared), loaded (and each database loaded in a throw-away server and",
                    "compared; without a database the same as restored). Without `every`: after each run. Without `prove`:",
                    "loaded, after each run.",
                ],
            },
            refused(
                "host",
                "is not in this version; mount the machine's share on this box, and list its path in `files`",
            ),
        ],
    },
];

const fn kept(name: &'static str) -> Key {
    Key {
        name,
        kind: Kind::Whole {
            least: 0,
            most: 10_000,
        },
        need: Need::Default("0"),
        doc: &[],
    }
}

const fn refused(name: &'static str, instead: &'static str) -> Key {
    Key {
        name,
        kind: Kind::Refused(instead),
        need: Need::Optional { example: "" },
        doc: &[],
    }
}
