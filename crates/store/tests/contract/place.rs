//! Where a test runs.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::{Access, Store, StoreUrl};

/// An empty store of one dialect, gone after the test.
pub(crate) struct Place {
    pub(crate) url: StoreUrl,
    /// The same as text.
    pub(crate) text: String,
    pub(crate) store: Store,
}

impl Place {
    /// A second store on the same data, as another process would have it where that is allowed.
    pub(crate) async fn second(&self) -> Store {
        match &self.url {
            StoreUrl::Postgres(_) => open(&self.url).await,
            StoreUrl::Sqlite(_) => self.store.clone(),
        }
    }

    /// Everything anew, as after a restart.
    pub(crate) async fn reopened(&self) -> Store {
        self.store.clone().close().await;
        open(&self.url).await
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.url, StoreUrl::Sqlite(_))
    }

    /// Runs SQL behind the store's back.
    pub(crate) async fn tamper(&self, sql: &'static str) {
        match &self.url {
            StoreUrl::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            StoreUrl::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

/// Runs `test` on each dialect.
pub(crate) async fn on_each(test: impl AsyncFn(&Place)) {
    on_sqlite(&test).await;
    on_postgres(&test).await;
}

async fn on_sqlite(test: &impl AsyncFn(&Place)) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("sqlite:{}", folder.path().join("store.db").display());
    let url: StoreUrl = text.parse().unwrap();
    // A store closes its connections in threads of its own: the folder goes after them.
    let place = Place { store: open(&url).await, url, text };
    test(&place).await;
    place.store.close().await;
}

async fn on_postgres(test: &impl AsyncFn(&Place)) {
    let Some(server) = postgres_server() else { return };
    let (text, name) = empty_database(&server).await;
    let url: StoreUrl = text.parse().unwrap();
    let place = Place { store: open(&url).await, url, text };
    test(&place).await;
    place.store.close().await;
    drop_database(&server, &name).await;
}

/// The server's URL, if the tests have one.
pub(crate) fn postgres_server() -> Option<String> {
    let server = std::env::var("UNDERSTUDY_TEST_POSTGRES_URL").ok();
    if server.is_none() {
        eprintln!("skipped: UNDERSTUDY_TEST_POSTGRES_URL is not set");
    }
    server
}

/// The server's URL with another database.
pub(crate) fn at_database(server: &str, name: &str) -> String {
    let (front, _) = server.rsplit_once('/').unwrap();
    format!("{front}/{name}")
}

/// A fresh database without a schema: its URL, and its name for [`drop_database`].
pub(crate) async fn empty_database(server: &str) -> (String, String) {
    let name = format!("contract_{}", uuid::Uuid::now_v7().simple());
    run(server, format!("CREATE DATABASE {name}")).await;
    (at_database(server, &name), name)
}

pub(crate) async fn drop_database(server: &str, name: &str) {
    run(server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

async fn run(server: &str, sql: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn open(url: &StoreUrl) -> Store {
    Store::open(url, Access::ReadWrite).await.unwrap()
}
