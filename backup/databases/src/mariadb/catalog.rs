//! What a database holds, by its catalogue; and the sum over the rows of a table.

use super::name;
use crate::{Error, Problem, RowHash, Session};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    pub(crate) tables: Vec<Shape>,
    /// Their values are part of their shape.
    pub(crate) sequences: Vec<String>,
    pub(crate) views: Vec<String>,
    pub(crate) triggers: u64,
    pub(crate) routines: u64,
    pub(crate) events: u64,
    /// The server was started without its scheduler and shows no events: how many it has all the same, where that may
    /// be read.
    pub(crate) hidden_events: Option<Option<u64>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) engine: String,
    /// Rows are seen as of the transaction's instant.
    pub(crate) transactional: bool,
    /// Rows of the past are kept beside those of now.
    pub(crate) versioned: bool,
    /// Not those the server computes.
    pub(crate) columns: Vec<Column>,
    /// Columns of the primary key, in order.
    pub(crate) key: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
}

/// How a value is read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    /// Written as a text: the number `-0` is no negative zero.
    Double,
    /// As text it has 6 digits; as a double it has all.
    Float,
    Bit,
    /// Any bytes.
    Binary,
    Text,
}

impl Kind {
    fn of(data_type: &str, charset: &str) -> Kind {
        match data_type.to_ascii_lowercase().as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "decimal"
            | "numeric" | "year" => Kind::Number,
            "double" | "real" => Kind::Double,
            "float" => Kind::Float,
            "bit" => Kind::Bit,
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob"
            | "geometry" | "point" | "linestring" | "polygon" | "multipoint"
            | "multilinestring" | "multipolygon" | "geometrycollection" | "geomcollection"
            | "vector" => Kind::Binary,
            _ if charset == "binary" => Kind::Binary,
            _ => Kind::Text,
        }
    }
}

impl Column {
    /// The value so that its text tells it whole.
    pub(crate) fn value(&self) -> String {
        let name = name(&self.name);
        match self.kind {
            Kind::Float => format!("({name} + 0e0)"),
            Kind::Bit => format!("({name} + 0)"),
            Kind::Number | Kind::Double | Kind::Binary | Kind::Text => name,
        }
    }
}

const DOING: &str = "read the catalogue of";

pub(crate) fn read(session: &mut Session) -> Result<Catalog, Error> {
    let database = session.database().to_owned();
    let mut rows = |query: &str| session.rows(DOING, &database, query);
    let engines = rows("SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES'")?;
    let engines: BTreeSet<String> = engines.into_iter().flatten().collect();
    let mut catalog = Catalog::default();
    let mut tables = BTreeMap::new();
    for row in rows(
        "SELECT TABLE_NAME, TABLE_TYPE, COALESCE(ENGINE, '') FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
    )? {
        let [name, kind, engine] = fields(row, &database)?;
        match kind.as_str() {
            "VIEW" | "SYSTEM VIEW" => catalog.views.push(name),
            "SEQUENCE" => catalog.sequences.push(name),
            kind => {
                let shape = Shape {
                    name: name.clone(),
                    transactional: engines.contains(&engine),
                    versioned: kind == "SYSTEM VERSIONED",
                    engine,
                    columns: Vec::new(),
                    key: Vec::new(),
                };
                tables.insert(name, shape);
            }
        }
    }
    catalog.views.sort();
    catalog.sequences.sort();
    for row in rows(
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, IS_NULLABLE, COALESCE(CHARACTER_SET_NAME, ''), \
         COALESCE(GENERATION_EXPRESSION, '') <> '' FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION",
    )? {
        let [table, name, kind, nullable, charset, computed] = fields(row, &database)?;
        if computed == "0"
            && let Some(table) = tables.get_mut(&table)
        {
            table.columns.push(Column {
                name,
                kind: Kind::of(&kind, &charset),
                nullable: nullable == "YES",
            });
        }
    }
    for row in rows(
        "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.STATISTICS \
         WHERE TABLE_SCHEMA = DATABASE() AND INDEX_NAME = 'PRIMARY' ORDER BY TABLE_NAME, SEQ_IN_INDEX",
    )? {
        let [table, column] = fields(row, &database)?;
        if let Some(table) = tables.get_mut(&table) {
            table.key.push(column);
        }
    }
    catalog.tables = tables.into_values().collect();
    // Started with event_scheduler=DISABLED, a server refuses whatever looks for events (error 1577), which would end the
    // session; `mariadb-dump --events` fails there too.
    let scheduler = rows("SELECT @@GLOBAL.event_scheduler")?;
    let off = scheduler
        .into_iter()
        .flatten()
        .any(|is| is.eq_ignore_ascii_case("DISABLED"));
    let events = match off {
        true => "0",
        false => "(SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE())",
    };
    for row in rows(&format!(
        "SELECT (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()), \
         (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() \
          AND ROUTINE_TYPE IN ('PROCEDURE', 'FUNCTION')), {events}"
    ))? {
        let [triggers, routines, events] = fields(row, &database)?;
        let number = |text: String| text.parse::<u64>().unwrap_or_default();
        (catalog.triggers, catalog.routines, catalog.events) =
            (number(triggers), number(routines), number(events));
    }
    if off {
        // The table behind them tells, to those who may read it.
        let readable = rows(
            "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'mysql' \
             AND TABLE_NAME = 'event' AND COLUMN_NAME = 'db' AND PRIVILEGES LIKE '%select%'",
        )?;
        let readable = readable.into_iter().flatten().any(|count| count == "1");
        catalog.hidden_events = Some(match readable {
            true => rows("SELECT COUNT(*) FROM mysql.event WHERE db = DATABASE()")?
                .into_iter()
                .flatten()
                .next()
                .and_then(|count| count.parse().ok()),
            false => None,
        });
    }
    Ok(catalog)
}

/// What the user may not see is not in the catalogue either: rights on the whole database are the only proof that
/// nothing is left out without a word.
pub(crate) fn unseen(session: &mut Session) -> Result<Vec<Problem>, Error> {
    let database = session.database().to_owned();
    let here = session.rows(DOING, &database, "SELECT DATABASE(), CURRENT_USER()")?;
    let [schema, user] = fields(here.into_iter().next().unwrap_or_default(), &database)?;
    let mut held: BTreeSet<String> = BTreeSet::new();
    for row in session.rows(DOING, &database, "SHOW GRANTS")? {
        let Some(grant) = row.first() else { continue };
        // A role has its own grants, which are not told here.
        let Some((rights, on)) = grant
            .strip_prefix("GRANT ")
            .and_then(|g| g.split_once(" ON "))
        else {
            return Ok(Vec::new());
        };
        let whole = on.starts_with("*.* ") || on.starts_with(&format!("{}.* ", pattern(&schema)));
        if whole || on.starts_with(&format!("{}.* ", name(&schema))) {
            held.extend(rights.split(',').map(|right| right.trim().to_owned()));
        }
    }
    if held.contains("ALL PRIVILEGES") {
        return Ok(Vec::new());
    }
    let wanted = [
        ("SELECT", "tables"),
        ("SHOW VIEW", "views"),
        ("TRIGGER", "triggers"),
        ("EVENT", "events"),
    ];
    let lacking = wanted.iter().filter(|(right, _)| !held.contains(*right));
    let (rights, what): (Vec<&str>, Vec<&str>) = lacking.copied().unzip();
    if rights.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Problem {
        object: database,
        what: format!(
            "the server does not show {} that {user} has no right to, so this dump may lack some; run GRANT {} ON {}.* TO {user}",
            what.join(", "),
            rights.join(", "),
            name(&schema)
        ),
    }])
}

/// As GRANT writes a database whose name holds wildcards.
pub(crate) fn pattern(schema: &str) -> String {
    name(&schema.replace('_', "\\_").replace('%', "\\%"))
}

/// Rows, and the sum over their hashes: the same in any order. Each value is hashed by itself, so no text grows beyond what
/// the server allows.
pub(crate) fn sum(table: &Shape, hash: RowHash) -> String {
    let values = table.columns.iter().map(|column| {
        let value = column.value();
        match column.nullable {
            true => format!("COALESCE(CRC32({value}), '-')"),
            false => format!("CRC32({value})"),
        }
    });
    let values: Vec<String> = values.collect();
    let row = format!("CONCAT_WS(',', '', {})", values.join(", "));
    let hashed = match hash {
        RowHash::Md5 => format!("MD5({row})"),
        RowHash::Sha256 => format!("SHA2({row}, 256)"),
    };
    format!(
        "SELECT COUNT(*), COALESCE(SUM(CAST(CONV(LEFT({hashed}, 15), 16, 10) AS UNSIGNED)), 0) FROM {}",
        name(&table.name)
    )
}

/// Counts a table.
pub(crate) fn count(
    session: &mut Session,
    table: &Shape,
    hash: RowHash,
) -> Result<(u64, String), Error> {
    let mut rows = session.rows("count", &shown(table), &sum(table, hash))?;
    let [rows, sum] = fields(rows.pop().unwrap_or_default(), &table.name)?;
    match rows.parse() {
        Ok(rows) => Ok((rows, sum)),
        Err(_) => Err(strange(&table.name, "a count is no number")),
    }
}

/// Who else is at this database, longest first: one of them keeps a table from being read. Asked in a session of its own,
/// as that of the dump ended with the wait. Without the right PROCESS the server tells of the dump's own user only.
pub(crate) fn others(session: &mut Session) -> Result<Vec<String>, Error> {
    let database = session.database().to_owned();
    let query = "SELECT ID, USER, HOST, COMMAND, TIME FROM information_schema.PROCESSLIST \
                 WHERE DB = DATABASE() AND ID <> CONNECTION_ID() ORDER BY TIME DESC LIMIT 5";
    let rows = session.rows("see who is at", &database, query)?;
    let shown = |row: Vec<String>| {
        let [id, user, host, command, seconds] = <[String; 5]>::try_from(row).ok()?;
        let clean = |text: String| text.chars().filter(|c| !c.is_control()).collect::<String>();
        let (user, host, command) = (clean(user), clean(host), clean(command));
        Some(format!(
            "user {user} from {host}, {command} since {seconds} s, id {id}"
        ))
    };
    Ok(rows.into_iter().filter_map(shown).collect())
}

pub(crate) fn shown(table: &Shape) -> String {
    format!("table {}", table.name.escape_debug())
}

pub(crate) fn fields<const N: usize>(row: Vec<String>, object: &str) -> Result<[String; N], Error> {
    row.try_into()
        .map_err(|_| strange(object, "a row has another number of fields"))
}

fn strange(object: &str, what: &str) -> Error {
    Error::Strange {
        program: "mariadb",
        object: object.to_owned(),
        what: what.to_owned(),
    }
}

/// What cannot be of one instant with the rest, or is not saved.
pub(crate) fn problems(catalog: &Catalog, database: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let put_right =
        "start that server with event_scheduler=OFF instead of DISABLED, which runs none either";
    let hidden = match catalog.hidden_events {
        None | Some(Some(0)) => None,
        Some(Some(count)) => Some(format!(
            "{count} events are not in this dump: the server was started with event_scheduler=DISABLED and shows none; {put_right}"
        )),
        Some(None) => Some(format!(
            "whether it has events cannot be seen, and none is in this dump: the server was started with event_scheduler=DISABLED; {put_right}, or GRANT SELECT ON mysql.event so that it can be seen that there are none"
        )),
    };
    if let Some(what) = hidden {
        problems.push(Problem {
            object: database.to_owned(),
            what,
        });
    }
    for table in &catalog.tables {
        if !table.transactional {
            problems.push(Problem {
                object: shown(table),
                what: format!(
                    "is saved, but not in the same instant as the others: {} has no transactions; run ALTER TABLE {} ENGINE=InnoDB",
                    table.engine,
                    name(&table.name)
                ),
            });
        }
        if table.versioned {
            problems.push(Problem {
                object: shown(table),
                what: "keeps the past of its rows (system versioning): the rows of now are saved, those of the past are not; dump them with mariadb-dump --dump-history if they matter".to_owned(),
            });
        }
    }
    problems
}
