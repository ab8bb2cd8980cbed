//! Local users.

use exchange::Micros;

use crate::{Store, StoreError, sql::sql};

/// A user without the password's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    pub name: String,
    /// `viewer` or `editor`.
    pub role: String,
    pub changed_at: Micros,
}

impl Store {
    /// By name.
    pub async fn users(&self) -> Result<Vec<UserRow>, StoreError> {
        let select = sql("SELECT name, role, changed_at FROM users ORDER BY name");
        let rows = self.backend.fetch(select).await?;
        let user = |row: &crate::sql::Row| {
            Ok(UserRow { name: row.text(0)?, role: row.text(1)?, changed_at: row.int(2)? })
        };
        rows.iter().map(user).collect()
    }

    pub async fn has_users(&self) -> Result<bool, StoreError> {
        Ok(self.backend.first(sql("SELECT 1 FROM users LIMIT 1")).await?.is_some())
    }

    /// The hash of a user's password.
    pub async fn password_of(&self, name: &str) -> Result<Option<String>, StoreError> {
        let select = sql("SELECT password FROM users WHERE name = $1").bind(name);
        self.backend.first(select).await?.map(|row| row.text(0)).transpose()
    }

    /// False where the name is taken.
    pub async fn add_user(
        &self,
        name: &str,
        role: &str,
        password: &str,
    ) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO users (name, role, password, changed_at) \
             VALUES ($1, $2, $3, {now}) ON CONFLICT (name) DO NOTHING");
        let insert = insert.bind(name).bind(role).bind(password);
        Ok(self.backend.run(insert).await? == 1)
    }

    /// Sets role, password or both, and ends the user's log-ins. False where there is no such user.
    pub async fn change_user(
        &self,
        name: &str,
        role: Option<&str>,
        password: Option<&str>,
    ) -> Result<bool, StoreError> {
        let update = sql("UPDATE users SET role = COALESCE($2, role), \
             password = COALESCE($3, password), changed_at = {now} WHERE name = $1");
        let mut tx = self.backend.write().await?;
        let changed = tx.run(update.bind(name).bind(role).bind(password)).await? == 1;
        tx.run(sql("DELETE FROM logins WHERE name = $1").bind(name)).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Removes a user with all log-ins. False where there is no such user.
    pub async fn remove_user(&self, name: &str) -> Result<bool, StoreError> {
        let mut tx = self.backend.write().await?;
        let removed = tx.run(sql("DELETE FROM users WHERE name = $1").bind(name)).await? == 1;
        tx.run(sql("DELETE FROM logins WHERE name = $1").bind(name)).await?;
        tx.commit().await?;
        Ok(removed)
    }
}
