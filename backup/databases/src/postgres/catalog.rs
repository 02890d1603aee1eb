//! What a database holds, by its catalogue; and the sum over the rows of a table.

use super::{name, text};
use crate::{Error, Problem, Session};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    pub(crate) tables: Vec<Shape>,
    pub(crate) sequences: Vec<Named>,
    pub(crate) views: u64,
    pub(crate) triggers: u64,
    pub(crate) routines: u64,
    pub(crate) large_objects: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) schema: String,
    pub(crate) name: String,
}

impl Named {
    pub(crate) fn sql(&self) -> String {
        format!("{}.{}", name(&self.schema), name(&self.name))
    }

    pub(crate) fn shown(&self) -> String {
        let name = self.name.escape_debug();
        match self.schema.as_str() {
            "public" => format!("table {name}"),
            schema => format!("table {}.{name}", schema.escape_debug()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) named: Named,
    /// Not those the server computes.
    pub(crate) columns: Vec<String>,
    /// Columns of the primary key, in order.
    pub(crate) key: Vec<String>,
}

const DOING: &str = "read the catalogue of";

/// Neither the server's own nor what an extension brings along, which comes back with the extension.
const OURS: &str = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%' \
     AND n.nspname NOT LIKE 'pg\\_temp\\_%'";

fn not_of_an_extension(of: &str, class: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = '{class}'::regclass AND d.objid = {of}.oid AND d.deptype = 'e')"
    )
}

pub(crate) fn read(session: &mut Session) -> Result<Catalog, Error> {
    let database = session.database().to_owned();
    let mut rows = |query: &str| session.rows(DOING, &database, query);
    let ours = format!("{OURS} AND {}", not_of_an_extension("c", "pg_class"));
    let mut catalog = Catalog::default();
    let mut tables = BTreeMap::new();
    for row in rows(&format!(
        "SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'S') AND c.relpersistence <> 't' AND {ours}"
    ))? {
        let [schema, name, kind] = fields(row, &database)?;
        let named = Named { schema, name };
        if kind == "S" {
            catalog.sequences.push(named);
            continue;
        }
        let shape = Shape {
            named: named.clone(),
            columns: Vec::new(),
            key: Vec::new(),
        };
        tables.insert(named, shape);
    }
    catalog.sequences.sort();
    // `attgenerated` is there since version 12.
    for row in rows(&format!(
        "SELECT n.nspname, c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped \
         AND coalesce(to_json(a)->>'attgenerated', '') = '' AND {ours} ORDER BY c.oid, a.attnum"
    ))? {
        let [schema, table, column] = fields(row, &database)?;
        if let Some(table) = tables.get_mut(&Named {
            schema,
            name: table,
        }) {
            table.columns.push(column);
        }
    }
    for row in rows(&format!(
        "SELECT n.nspname, c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place) \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
         WHERE i.indisprimary AND c.relkind = 'r' AND {ours} ORDER BY c.oid, k.place"
    ))? {
        let [schema, table, column] = fields(row, &database)?;
        if let Some(table) = tables.get_mut(&Named {
            schema,
            name: table,
        }) {
            table.key.push(column);
        }
    }
    catalog.tables = tables.into_values().collect();
    let routines = not_of_an_extension("p", "pg_proc");
    for row in rows(&format!(
        "SELECT (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
           WHERE c.relkind IN ('v', 'm') AND {ours}), \
         (SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
           JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND {ours}), \
         (SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OURS} AND {routines}), \
         (SELECT count(*) FROM pg_largeobject_metadata)"
    ))? {
        let [views, triggers, routines, objects] = fields(row, &database)?;
        let number = |text: String| text.parse::<u64>().unwrap_or_default();
        catalog.views = number(views);
        catalog.triggers = number(triggers);
        catalog.routines = number(routines);
        catalog.large_objects = number(objects);
    }
    Ok(catalog)
}

/// Rows, and the sum over their hashes: the same in any order.
pub(crate) fn sum(table: &Named) -> String {
    format!(
        "SELECT count(*), coalesce(sum(('x' || left(md5(hashed.row), 15))::bit(60)::bigint), 0) \
         FROM (SELECT ROW(it.*)::text AS row FROM ONLY {} AS it) AS hashed",
        table.sql()
    )
}

/// Counts a table.
pub(crate) fn count(session: &mut Session, table: &Named) -> Result<(u64, String), Error> {
    let mut rows = session.rows("count", &table.shown(), &sum(table))?;
    let [rows, sum] = fields(rows.pop().unwrap_or_default(), &table.name)?;
    match rows.parse() {
        Ok(rows) => Ok((rows, sum)),
        Err(_) => Err(strange(&table.name, "a count is no number")),
    }
}

/// The statement that gives a sequence its value again.
pub(crate) fn sequence(session: &mut Session, of: &Named) -> Result<String, Error> {
    let query = format!("SELECT last_value, is_called FROM {}", of.sql());
    let object = of.shown().replacen("table", "sequence", 1);
    let mut rows = session.rows("read", &object, &query)?;
    let [value, called] = fields(rows.pop().unwrap_or_default(), &object)?;
    let called = if called == "t" { "true" } else { "false" };
    let (true, of) = (value.parse::<i64>().is_ok(), text(&of.sql())) else {
        return Err(strange(&object, "its value is no number"));
    };
    Ok(format!(
        "SELECT pg_catalog.setval({of}, {value}, {called});\n"
    ))
}

/// Who keeps a table from being read; asked in a session of its own, as that of the dump ended with the wait.
pub(crate) fn holders(session: &mut Session, table: &Named) -> Result<Vec<String>, Error> {
    let query = format!(
        "SELECT l.pid, coalesce(a.usename, '?'), coalesce(a.application_name, ''), \
         coalesce(to_char(a.xact_start, 'HH24:MI:SS'), '?') FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.relation = {}::regclass AND l.granted AND l.mode = 'AccessExclusiveLock'",
        text(&table.sql())
    );
    let rows = session.rows("see who locks", &table.shown(), &query)?;
    let shown = |row: Vec<String>| {
        let [pid, user, program, since] = <[String; 4]>::try_from(row).ok()?;
        let clean = |text: String| text.chars().filter(|c| !c.is_control()).collect::<String>();
        let (user, program) = (clean(user), clean(program));
        Some(format!(
            "user {user} ({program}) since {since} UTC, process {pid}"
        ))
    };
    Ok(rows.into_iter().filter_map(shown).collect())
}

pub(crate) fn problems(catalog: &Catalog, database: &str) -> Vec<Problem> {
    match catalog.large_objects {
        0 => Vec::new(),
        count => vec![Problem {
            object: database.to_owned(),
            what: format!(
                "{count} large objects (pg_largeobject) are not in this dump; save them with `pg_dump --large-objects` to a folder of the plan, or move them to bytea columns"
            ),
        }],
    }
}

pub(crate) fn fields<const N: usize>(row: Vec<String>, object: &str) -> Result<[String; N], Error> {
    row.try_into()
        .map_err(|_| strange(object, "a row has another number of fields"))
}

fn strange(object: &str, what: &str) -> Error {
    Error::Strange {
        program: "psql",
        object: object.to_owned(),
        what: what.to_owned(),
    }
}
