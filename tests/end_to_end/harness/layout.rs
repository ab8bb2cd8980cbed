//! Embedded or on servers.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// How Understudy is started.
#[derive(Clone, Debug)]
pub(crate) enum Layout {
    /// `understudy up` on its own disk.
    Embedded,
    /// Four processes on RabbitMQ and Postgres, under a name of their own.
    Servers { amqp: String, postgres: String, prefix: String },
}

/// Runs `test` on both layouts, one after the other.
pub(crate) async fn each_layout(test: impl AsyncFn(Layout)) {
    test(Layout::Embedded).await;
    if let Some(servers) = Layout::servers().await {
        test(servers.clone()).await;
        servers.clean_up().await;
    }
}

impl Layout {
    /// A fresh database and queue prefix on the servers of the environment.
    pub(crate) async fn servers() -> Option<Self> {
        let amqp = std::env::var("UNDERSTUDY_TEST_AMQP_URL");
        let postgres = std::env::var("UNDERSTUDY_TEST_POSTGRES_URL");
        let (Ok(amqp), Ok(postgres)) = (amqp, postgres) else {
            eprintln!(
                "skipped: UNDERSTUDY_TEST_AMQP_URL and UNDERSTUDY_TEST_POSTGRES_URL are not set"
            );
            return None;
        };
        let prefix = format!("test{}", uuid::Uuid::now_v7().simple());
        let mut admin = PgConnection::connect(&postgres).await.unwrap();
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {prefix}"))).await.unwrap();
        let mut own = url::Url::parse(&postgres).unwrap();
        own.set_path(&prefix);
        Some(Self::Servers { amqp, postgres: own.into(), prefix })
    }

    /// Drops what [`Layout::servers`] made. Queues of an ended test are small and named apart.
    pub(crate) async fn clean_up(&self) {
        if let Self::Servers { prefix, .. } = self {
            let postgres = std::env::var("UNDERSTUDY_TEST_POSTGRES_URL").unwrap();
            let mut admin = PgConnection::connect(&postgres).await.unwrap();
            admin
                .execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {prefix} WITH (FORCE)")))
                .await
                .unwrap();
        }
    }
}
