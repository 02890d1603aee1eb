//! The tables of this package; what reads and writes them is `host/records.rs`,
//! `session/records.rs`, `boot/records.rs`, `flight/records.rs` and `dhcp6/records.rs`.

pub(crate) const TABLES: &[&str] = &[
    "CREATE TABLE host (id TEXT PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL, \
     serial TEXT NOT NULL, uuid TEXT NOT NULL, product TEXT NOT NULL, pairing_code TEXT, \
     agent_hash TEXT, agent_version TEXT, inventory TEXT, first_seen_ms BIGINT NOT NULL, \
     last_seen_ms BIGINT NOT NULL, asked_ms BIGINT NOT NULL, reported_ms BIGINT, \
     approved_ms BIGINT, approved_by TEXT); \
     CREATE INDEX host_agent ON host (agent_hash); \
     CREATE INDEX host_serial ON host (serial); \
     CREATE INDEX host_uuid ON host (uuid); \
     CREATE TABLE host_mac (mac TEXT PRIMARY KEY, host TEXT NOT NULL); \
     CREATE INDEX host_mac_host ON host_mac (host); \
     CREATE TABLE session (id TEXT PRIMARY KEY, host TEXT NOT NULL, host_name TEXT NOT NULL, \
     image TEXT NOT NULL, image_name TEXT NOT NULL, image_size_bytes BIGINT NOT NULL, \
     disk_path TEXT NOT NULL, disk_serial TEXT NOT NULL, disk_model TEXT NOT NULL, \
     disk_size_bytes BIGINT NOT NULL, lost TEXT NOT NULL, state TEXT NOT NULL, \
     over BIGINT NOT NULL, done_bytes BIGINT NOT NULL, total_bytes BIGINT NOT NULL, \
     took_ms BIGINT NOT NULL, detail TEXT NOT NULL, opened_by TEXT NOT NULL, \
     opened_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL, agent_hash TEXT, \
     last_beat_ms BIGINT, ended_ms BIGINT); \
     CREATE INDEX session_host ON session (host, over)",
    "CREATE TABLE boot_way (mac TEXT NOT NULL, firmware TEXT NOT NULL, way TEXT NOT NULL, \
     worked BIGINT NOT NULL, changed_ms BIGINT NOT NULL, PRIMARY KEY (mac, firmware)); \
     CREATE TABLE boot_way_model (model TEXT NOT NULL, firmware TEXT NOT NULL, way TEXT NOT NULL, \
     changed_ms BIGINT NOT NULL, PRIMARY KEY (model, firmware))",
    // Every machine a card was seen with; `host_mac` stays the latest of them.
    "CREATE TABLE adapter (mac TEXT NOT NULL, host TEXT NOT NULL, heard TEXT NOT NULL, \
     first_ms BIGINT NOT NULL, last_ms BIGINT NOT NULL, PRIMARY KEY (mac, host)); \
     CREATE INDEX adapter_host ON adapter (host); \
     INSERT INTO adapter (mac, host, heard, first_ms, last_ms) \
     SELECT host_mac.mac, host_mac.host, '', host.first_seen_ms, host.last_seen_ms \
     FROM host_mac JOIN host ON host.id = host_mac.host",
    "CREATE TABLE flight (mac TEXT NOT NULL, started_ms BIGINT NOT NULL, ended_ms BIGINT NOT NULL, \
     followed BIGINT NOT NULL, omitted BIGINT NOT NULL, cause TEXT, steps TEXT NOT NULL, \
     PRIMARY KEY (mac, started_ms)); \
     CREATE INDEX flight_ended ON flight (ended_ms)",
    "CREATE TABLE next_boot (host TEXT PRIMARY KEY, entry TEXT NOT NULL, asked_by TEXT NOT NULL, \
     asked_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL, given_ms BIGINT)",
    // One row: our own name among DHCPv6 servers.
    "CREATE TABLE dhcp6_name (id BIGINT PRIMARY KEY, uuid TEXT NOT NULL)",
    "CREATE TABLE host_detail (host TEXT PRIMARY KEY, named TEXT NOT NULL, \
     profile TEXT NOT NULL, person TEXT NOT NULL, asset_tag TEXT NOT NULL, \
     supplier TEXT NOT NULL, bought TEXT NOT NULL, warranty_end TEXT NOT NULL); \
     CREATE TABLE card_place (mac TEXT PRIMARY KEY, network TEXT NOT NULL, port TEXT NOT NULL, \
     heard_ms BIGINT NOT NULL)",
    "CREATE TABLE glpi_push (host TEXT PRIMARY KEY, accepted_digest TEXT NOT NULL, \
     accepted_ms BIGINT, pending_digest TEXT NOT NULL, request TEXT NOT NULL, \
     questions BIGINT NOT NULL, attempts BIGINT NOT NULL, next_ms BIGINT NOT NULL, \
     problem TEXT NOT NULL, asked_ms BIGINT NOT NULL)",
    // The address that a host always gets.
    "ALTER TABLE host_detail ADD COLUMN address TEXT NOT NULL DEFAULT ''; \
     CREATE INDEX host_detail_address ON host_detail (address)",
    // What a session does; until then the one without an image was a wipe.
    "ALTER TABLE session ADD COLUMN task TEXT NOT NULL DEFAULT 'deploy'; \
     UPDATE session SET task = 'wipe' WHERE image = ''",
];
