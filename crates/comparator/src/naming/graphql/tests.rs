use bytes::Bytes;
use serde_json::json;

use super::*;

fn request(method: &str, target: &str, media: &str, body: &str) -> Request {
    let mut headers = exchange::Headers::default();
    headers.push("Content-Type", media.to_owned());
    let body = Bytes::from(body.to_owned());
    Request { method: method.into(), target: target.into(), headers, body }
}

fn post(body: &str) -> Request {
    request("POST", "/graphql", "application/json; charset=utf-8", body)
}

fn told(request: &Request) -> String {
    asked(request).map_or_else(|| "none".into(), |asked| asked.label())
}

fn of_document(document: &str) -> String {
    told(&post(&json!({ "query": document }).to_string()))
}

#[test]
fn documents_say_their_operation() {
    let table = [
        ("{ loan(id: 7) { amount } }", "loan"),
        ("query GetLoan($id: ID!) { loan(id: $id) { amount } }", "GetLoan"),
        ("query GetLoan { loan }", "GetLoan"),
        ("mutation Approve($in: In = {note: \"}\"}) @log { approve(in: $in) { id } }", "Approve"),
        ("mutation { approve(id: 7) { id } }", "approve"),
        ("subscription OnLoan { loan }", "OnLoan"),
        ("# mutation Not { x }\nquery Real { a }", "Real"),
        ("{ first: loan(id: 1) { a } second: loan(id: 2) { a } queue }", "loan+queue"),
        ("{ ...Parts loan @skip(if: false) { a } ... on Query { deep } }", "loan"),
        ("fragment Parts on Query { mutation }\nquery Q { ...Parts }", "Q"),
        ("query Q($s: S = \"\"\"a \" } mutation\"\"\") { a(s: \"\\\"}\") { b } }", "Q"),
        ("{ a b c d e }", "a+b+c+2 more"),
        ("query { __typename }", "__typename"),
        ("no document", "none"),
        ("query", "none"),
        ("", "none"),
        ("{", "anonymous"),
    ];
    for (document, expected) in table {
        assert_eq!(of_document(document), expected, "{document}");
    }
}

#[test]
fn of_several_operations_the_one_asked_for_counts() {
    let document = "query A { a } mutation B { b }";
    let asked =
        |name: Value| told(&post(&json!({ "query": document, "operationName": name }).to_string()));
    assert_eq!(asked(json!("B")), "B");
    assert_eq!(asked(json!(null)), "A");
    assert_eq!(asked(json!("C")), "A");
}

#[test]
fn batches_and_persisted_documents_have_names_too() {
    let table = [
        (json!([{"query": "query A { a }"}, {"query": "query B { b }"}]), "[A+B]"),
        (json!([{"query": "query A { a }"}, {"query": "query A { a }"}]), "[A]"),
        (json!([{"query": "query A { a }"}, {"query": "mutation M { m }"}]), "[A+M]"),
        (
            json!({"operationName": "GetLoan", "extensions": {"persistedQuery": {"sha256Hash": "ab12"}}}),
            "GetLoan",
        ),
        (
            json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "ecf4edb46db40b5132295c0291d62fb6"}}}),
            "persisted:ecf4edb46db4",
        ),
        (json!({"documentId": "loans/get", "variables": {}}), "persisted:loans_get"),
        (json!({"doc_id": 4711}), "persisted:4711"),
        (json!([]), "none"),
        (json!({"variables": {}}), "none"),
        (json!({"query": {"match": "all"}}), "none"),
        (json!("text"), "none"),
    ];
    for (body, expected) in table {
        assert_eq!(told(&post(&body.to_string())), expected, "{body}");
    }
}

#[test]
fn operations_come_in_urls_documents_and_forms() {
    let url = "/graphql?query=query%20A%20%7B%20a%20%7D&operationName=A";
    assert_eq!(told(&request("GET", url, "", "")), "A");
    let kept = "/graphql?operationName=A&extensions=%7B%22persistedQuery%22%3A%7B%22sha256Hash%22%3A%22ab%22%7D%7D";
    assert_eq!(told(&request("GET", kept, "", "")), "A");
    assert_eq!(told(&request("GET", "/graphql?page=1", "", "")), "none");
    assert_eq!(told(&request("POST", "/x", "application/graphql", "mutation M { m }")), "M");
    let form = "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":\"mutation Up { up }\"}\r\n--b--";
    assert_eq!(told(&request("POST", "/graphql", "multipart/form-data; boundary=b", form)), "Up");
}

#[test]
fn services_are_known_by_path_or_media_type() {
    let is = |target: &str, media: &str| is_graphql(&request("POST", target, media, ""));
    assert!(is("/graphql", "") && is("/api/GraphQL/?a=1", "") && is("/v1/gql", ""));
    assert!(is("/anything", "application/graphql"));
    assert!(!is("/graphql/schema", "application/json") && !is("/", ""));
}

#[test]
fn no_text_breaks_the_reader() {
    let document =
        "query Q($a: S = \"\"\"x\"\"\") @d(a: {b: [1]}) { a: b(c: \"}\") { ...F é } } # }\n{ x }";
    let ends = document.char_indices().map(|(at, _)| at);
    for at in ends {
        let (before, behind) = document.split_at(at);
        document::definitions(before);
        document::definitions(behind);
    }
}
