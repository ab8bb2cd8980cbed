//! `GET /api/v1/clusters/{id}/entities`: the ids of what is missing or old, for who loads data.

use serde::{Deserialize, Serialize};

use super::{ApiError, Cluster, ClusterId};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EntitiesQuery {
    /// `json` (unless told) or `csv`.
    pub format: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entities {
    pub cluster: ClusterId,
    /// Sorted, each once.
    pub entities: Vec<String>,
}

/// In which form a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Csv,
}

impl EntitiesQuery {
    pub(crate) fn form(&self) -> Result<Form, ApiError> {
        match self.format.as_deref() {
            None | Some("" | "json") => Ok(Form::Json),
            Some("csv") => Ok(Form::Csv),
            Some(other) => Err(ApiError::Parameter {
                parameter: "format",
                problem: format!("`{other}` is no format here: write json or csv"),
            }),
        }
    }
}

impl Entities {
    /// Those of a cluster; none where it is not about data.
    pub(crate) fn of(cluster: Cluster) -> Self {
        Self { cluster: cluster.id, entities: cluster.entities.unwrap_or_default() }
    }

    /// RFC 4180, one column with its name.
    pub(crate) fn csv(&self) -> String {
        let field = |id: &String| {
            if id.contains([',', '"', '\r', '\n']) {
                format!("\"{}\"", id.replace('"', "\"\""))
            } else {
                id.clone()
            }
        };
        let lines = std::iter::once("id".to_owned()).chain(self.entities.iter().map(field));
        lines.map(|line| format!("{line}\r\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_told_by_lines_with_quotes_where_needed() {
        let entities = vec!["200345".into(), "P-1".into(), "a,\"b\"\n".into()];
        let list = Entities { cluster: ClusterId(7), entities };
        assert_eq!(list.csv(), "id\r\n200345\r\nP-1\r\n\"a,\"\"b\"\"\n\"\r\n");
        let form = |text: &str| EntitiesQuery { format: Some(text.into()) }.form();
        assert_eq!(form("csv").ok(), Some(Form::Csv));
        assert!(form("xml").is_err());
    }
}
