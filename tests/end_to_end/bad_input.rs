//! What a user gets wrong is said in one line, with what to do, and without a panic.

use std::{fs, net::TcpListener, path::Path, time::Duration};

use crate::harness::{Process, free_port, understudy, until};

/// Runs the command; expects failure and one line that holds every `word`.
async fn refused(args: &[&str], words: &[&str]) {
    let ended = understudy(args).await;
    assert!(matches!(ended.code, Some(code) if code != 0 && code != 101), "{args:?}: {ended:?}");
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{args:?}: {ended:?}");
    for word in words {
        assert!(lines[0].contains(word), "{args:?} does not say `{word}`: {ended:?}");
    }
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
}

fn up<'a>(data: &'a str, ports: &'a [String; 3]) -> Vec<&'a str> {
    vec![
        "up",
        "--primary",
        "http://127.0.0.1:9",
        "--candidate",
        "http://127.0.0.1:9",
        "--data",
        data,
        "--listen",
        &ports[0],
        "--web",
        &ports[1],
        "--admin",
        &ports[2],
    ]
}

fn ports() -> [String; 3] {
    [(); 3].map(|()| format!("127.0.0.1:{}", free_port()))
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_configuration_is_refused_with_file_line_and_nearest_key() {
    let folder = tempfile::tempdir().unwrap();
    let unknown = file(folder.path(), "a.toml", "[tap]\nprimry = \"http://127.0.0.1:1\"\n");
    refused(
        &["config", "check", "--config", &unknown],
        &["a.toml line 2", "primry", "did you mean `primary`"],
    )
    .await;
    let broken = file(folder.path(), "b.toml", "[tap\n");
    refused(&["config", "check", "--config", &broken], &["b.toml line 1"]).await;
    let rule =
        file(folder.path(), "c.toml", "[[rules]]\npath = \"$.items[*\"\nkind = \"ignore\"\n");
    refused(&["rules", "check", &rule], &["$.items[*"]).await;
    refused(
        &["config", "check", "--config", "/nowhere/understudy.toml"],
        &["/nowhere/understudy.toml"],
    )
    .await;
}

#[tokio::test]
async fn bad_addresses_are_refused() {
    refused(&["up", "--candidate", "http://127.0.0.1:1"], &["--primary"]).await;
    refused(
        &["up", "--primary", "localhost", "--candidate", "http://127.0.0.1:1"],
        &["localhost", "http://"],
    )
    .await;
    refused(&["up", "--primary", "http://127.0.0.1:1", "--candidate", "ftp://x"], &["ftp://x"])
        .await;
    let ports = ports();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut open = up(data.to_str().unwrap(), &ports);
    open[10] = "0.0.0.0:8090";
    refused(&open, &["0.0.0.0:8090", "log-in"]).await;
    let mut queue = up(data.to_str().unwrap(), &ports);
    queue.extend(["--queue", "kafka://x"]);
    refused(&queue, &["kafka", "amqp://"]).await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut ports = ports();
    ports[0].clone_from(&address);
    refused(&up(data.to_str().unwrap(), &ports), &[&address, "--listen"]).await;
}

#[tokio::test]
async fn an_unreadable_data_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    // A file where the folder should be: unreadable for root too.
    let data = file(folder.path(), "data", "not a folder");
    refused(&up(&data, &ports()), &[&data]).await;
}

#[tokio::test]
async fn a_key_that_does_not_fit_or_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    let key = |name: &str, mode| {
        let path = file(folder.path(), name, &exchange::seal::Keyring::generate_text());
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let (first, other, open) = (key("first", 0o600), key("other", 0o600), key("open", 0o640));
    let ports = ports();
    let mut args = up(&data, &ports);
    args.extend(["--key-file", &open]);
    refused(&args, &[&open, "chmod 600"]).await;

    // What is noted does not depend on traffic: a start is enough.
    args[13..].copy_from_slice(&["--key-file", &first]);
    let owned = args.iter().map(|arg| (*arg).to_owned()).collect();
    let mut running = Process::start(owned, Vec::new(), folder.path().join("log"));
    until("the first start", Duration::from_secs(30), async || {
        running.said().contains("users connect here")
    })
    .await;
    assert_eq!(running.terminate().await, Some(0), "{}", running.said());
    args[13..].copy_from_slice(&["--key-file", &other]);
    refused(&args, &["written with key", &other, "does not hold"]).await;
}

#[tokio::test]
async fn servers_that_are_not_there_are_named_without_their_password() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let nobody = free_port();
    let ports = ports();
    let store = format!("postgres://me:hunter2@127.0.0.1:{nobody}/x");
    let mut wrong_store = up(data.to_str().unwrap(), &ports);
    wrong_store.extend(["--store", &store]);
    let ended = understudy(&wrong_store).await;
    assert!(!ended.stderr.contains("hunter2"), "{ended:?}");
    refused(&wrong_store, &[&format!("127.0.0.1:{nobody}")]).await;
    let queue = format!("amqp://me:hunter2@127.0.0.1:{nobody}");
    let mut wrong_queue = up(data.to_str().unwrap(), &ports);
    wrong_queue.extend(["--queue", &queue]);
    refused(&wrong_queue, &[&format!("127.0.0.1:{nobody}")]).await;
}

#[tokio::test]
async fn separate_roles_refuse_what_belongs_to_one_process() {
    refused(
        &[
            "replay",
            "--candidate",
            "http://127.0.0.1:1",
            "--queue",
            "disk:/tmp/x",
            "--store",
            "sqlite:/tmp/y",
        ],
        &["disk:/tmp/x", "one process"],
    )
    .await;
    refused(
        &[
            "tap",
            "--primary",
            "http://127.0.0.1:1",
            "--listen",
            "127.0.0.1:0",
            "--queue",
            "amqp://127.0.0.1",
        ],
        &["--key-file"],
    )
    .await;
}

#[tokio::test]
async fn diff_says_equal_different_or_error_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let a = file(folder.path(), "a.json", r#"{"price": 1.0, "tags": ["x"]}"#);
    let b = file(folder.path(), "b.json", r#"{"tags": ["x"], "price": 1}"#);
    let c = file(folder.path(), "c.json", r#"{"tags": ["x"], "price": 2}"#);
    assert_eq!(understudy(&["diff", &a, &b]).await.code, Some(0));
    let different = understudy(&["diff", &a, &c, "--format", "json"]).await;
    assert_eq!(different.code, Some(1), "{different:?}");
    assert!(different.stdout.contains("/price"), "{different:?}");
    assert_eq!(understudy(&["diff", &a, "/nowhere.json"]).await.code, Some(2));
}
