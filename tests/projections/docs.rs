//! `docs/sqlite.md`: its queries of a read model's own file find something.

use newton::Newton;
use newton_tests::bank::{Account, deposit, open};
use rusqlite::Connection;
use tempfile::TempDir;

use super::views::Table;

const PAGE: &str = include_str!("../../docs/sqlite.md");

#[tokio::test]
async fn the_queries_of_a_read_model_find_something() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bank.db");
    let store = format!("sqlite://{}", file.display());
    let app = Newton::builder().store(store).only::<(Account, Table)>().start().await.unwrap();
    app.execute("unlucky", open("Ada")).await.unwrap();
    let failed = app.execute("unlucky", deposit(13)).await.unwrap();
    app.caught_up::<Table>(&failed).await.unwrap_err();

    let files = std::fs::read_dir(folder.path().join("bank.db.projections")).unwrap();
    let mut files = files.map(|entry| entry.unwrap().path());
    let file = files.find(|path| path.to_string_lossy().ends_with(".1.db")).unwrap();
    let connection = Connection::open(file).unwrap();
    let (_, queries) = PAGE.split_once("asked of its own file:\n\n```sql\n").unwrap();
    let queries: Vec<&str> = queries.split("```").next().unwrap().trim().split_terminator(';').collect();
    assert_eq!(queries.len(), 2);
    for query in queries {
        assert!(connection.prepare(query).unwrap().exists([]).unwrap(), "nothing was found by {query}");
    }
}
