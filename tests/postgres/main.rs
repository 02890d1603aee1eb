//! The state database on a real PostgreSQL: tables, every statement, the journal's order.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

mod appliance;
mod cluster;
#[path = "../e2e/harness/mod.rs"]
mod harness;
mod statements;

use cluster::Cluster;
use sqlx::{Column, Connection, Executor, SqlSafeStr, Statement, TypeInfo};
use state::wire::Fact;
use state::{Timestamp, journal};

async fn migrate(db: &state::Db) {
    continuity::migrate(db).await.unwrap();
    provisioner::migrate(db).await.unwrap();
    web::migrate(db).await.unwrap();
}

#[tokio::test]
async fn every_table_and_every_statement_is_accepted_by_postgresql() {
    let mut cluster = Cluster::start();
    let db = cluster.open().await;
    migrate(&db).await;
    // A second start finds them.
    migrate(&db).await;

    // PostgreSQL checks a statement when it is prepared: names, types, and what comes back. The
    // `any` driver reads only these types (a SUM of BIGINT is NUMERIC, which it refuses).
    let mut connection = sqlx::PgConnection::connect(&cluster.url()).await.unwrap();
    let statements = statements::all();
    assert!(statements.len() > 10, "only {} found", statements.len());
    let mut refused = Vec::new();
    for statement in statements {
        let sql = sqlx::AssertSqlSafe(statement.sql.clone()).into_sql_str();
        match connection.prepare(sql).await {
            Err(error) => {
                refused.push(format!("{}: {error}\n  {}", statement.place, statement.sql))
            }
            Ok(prepared) => {
                for column in prepared.columns() {
                    let kind = column.type_info().name();
                    if !["TEXT", "INT8", "FLOAT8"].contains(&kind) {
                        refused.push(format!(
                            "{}: column {} comes back as {kind}: CAST it to BIGINT or TEXT\n  {}",
                            statement.place,
                            column.name(),
                            statement.sql
                        ));
                    }
                }
            }
        }
    }
    assert!(refused.is_empty(), "\n{}", refused.join("\n"));
}

#[tokio::test]
async fn the_journal_keeps_its_order_and_a_failed_write_its_own_damage_on_postgresql() {
    let mut cluster = Cluster::start();
    let db = cluster.open().await;
    migrate(&db).await;
    let writes = (1..=40).map(|n| {
        let db = db.clone();
        async move {
            let fact = Fact::ApplianceStarted {
                version: n.to_string(),
            };
            let failing = n % 4 == 0;
            db.write(move |conn| {
                Box::pin(async move {
                    journal::append(&mut *conn, Timestamp(n), &fact).await?;
                    if failing {
                        // An error of the server itself: PostgreSQL then refuses the rest of the
                        // transaction, unless the savepoint is rolled back.
                        sqlx::query("SELECT nothing FROM nowhere")
                            .execute(conn)
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
        }
    });
    let tasks: Vec<_> = writes.map(tokio::spawn).collect();
    let mut failed = 0;
    for task in tasks {
        failed += usize::from(task.await.unwrap().is_err());
    }
    assert_eq!(failed, 10);
    let entries = journal::after(&db, 0, 100).await.unwrap();
    let numbers: Vec<i64> = entries.iter().map(|e| e.number).collect();
    assert_eq!(numbers, (1..=30).collect::<Vec<i64>>());
    assert!(entries.iter().all(|e| e.at.0 % 4 != 0));
    assert_eq!(journal::head(&db).await.unwrap(), 30);
}
