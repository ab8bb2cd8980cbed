//! The program as it is started. That this is an integration test has a second use: `cargo test`
//! then builds the program itself, which end-to-end tests start, with what the tests are built with.

use std::process::{Command, Output};

use store::{Access, AuditQuery, EndpointRow, Record, Store};

fn understudy(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_understudy")).args(args).output().expect("it starts")
}

#[test]
fn help_names_every_role() {
    let help = understudy(&["--help"]);
    assert!(help.status.success());
    let text = String::from_utf8_lossy(&help.stdout);
    for role in ["demo", "up", "tap", "replay", "compare", "web", "gate", "diff", "migrate"] {
        assert!(text.lines().any(|line| line.trim_start().starts_with(role)), "{role}: {text}");
    }
}

#[test]
fn what_is_no_command_is_refused_with_advice() {
    let refused = understudy(&["tapp"]);
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(text.contains("tapp") && text.contains("'tap'"), "{text}");
}

#[tokio::test]
async fn forgetting_and_asking_again_leave_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    let open = async || Store::open(&url.parse().unwrap(), Access::ReadWrite).await.unwrap();
    let endpoint = EndpointRow {
        key: 7,
        method: "GET".into(),
        template: "/loans/{id}".into(),
        slice: None,
        merged_into: None,
        first_seen: 1,
    };
    let store = open().await;
    store.record(&Record { endpoints: vec![endpoint], ..Record::default() }).await.unwrap();
    store.close().await;

    let name = "GET /loans/{id}";
    let reset = understudy(&["reset", "--store", &url, "--endpoint", name, "--yes"]);
    assert!(reset.status.success(), "{reset:?}");
    // No replayer takes it: it is asked for all the same.
    let recheck = understudy(&["recheck", "--store", &url, "--endpoint", name, "--wait", "1s"]);
    assert!(!recheck.status.success(), "{recheck:?}");

    let store = open().await;
    let audit = store.audit(&AuditQuery { limit: 10, ..AuditQuery::default() }).await.unwrap();
    let told: Vec<(&str, &str, &str)> = audit
        .rows
        .iter()
        .map(|row| (&*row.entry.via, &*row.entry.action, &*row.entry.subject))
        .collect();
    assert_eq!(told, [("command", "recheck", "1"), ("command", "reset", name)]);
    let what = audit.rows[0].entry.after.as_deref().unwrap_or_default();
    assert!(what.contains(name), "{what}");
}
