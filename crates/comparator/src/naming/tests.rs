use bytes::Bytes;
use exchange::{Body, Headers};

use super::*;

fn naming(entries: &[(&str, &str)]) -> Naming {
    let entry = |(route, by): &(&str, &str)| EndpointConfig {
        route: (*route).to_owned(),
        by: Some((*by).to_owned()).filter(|by| !by.is_empty()),
    };
    Naming::compile(&entries.iter().map(entry).collect::<Vec<_>>()).unwrap()
}

fn headers(lines: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::default();
    for (name, value) in lines {
        headers.push(*name, Bytes::from((*value).to_owned()));
    }
    headers
}

fn request(target: &str, lines: &[(&str, &str)], body: &str) -> Request {
    let (target, headers) = (target.to_owned(), headers(lines));
    let body = Bytes::from(body.to_owned());
    Request { method: "POST".into(), target, headers, body }
}

fn answered(media: &str) -> Response {
    let headers = headers(&[("Content-Type", media)]);
    Response { status: 200, headers, body: Body::default() }
}

fn named(naming: &Naming, request: &Request) -> String {
    naming.template(&Model::default(), request, &answered("application/json"))
}

#[test]
fn one_url_has_as_many_endpoints_as_operations() {
    let naming = naming(&[
        ("POST /rpc", "body:method"),
        ("/soap", "soap"),
        ("/ws", "header:SOAPAction"),
        ("/do", "query:action"),
        ("/events/{tenant}", "body:/event/type"),
        ("/graphql", "none"),
    ]);
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let table = [
        (request("/rpc", &[], r#"{"method":"loan.get","id":7}"#), "/rpc#loan.get"),
        (request("/rpc", &[], r#"[{"method":"b"},{"method":"a"},{"method":"b"}]"#), "/rpc#[b+a]"),
        (request("/rpc", &form, "id=7&method=loan.get"), "/rpc#loan.get"),
        (request("/rpc", &[], "no JSON"), "/rpc"),
        (request("/rpc", &[], r#"{"method":4711}"#), "/rpc#{id}"),
        (request("/soap", &[("SOAPAction", "\"urn:bank/GetLoan\"")], ""), "/soap#GetLoan"),
        (
            request("/soap", &[("Content-Type", "application/soap+xml; action=\"urn:x#Get\"")], ""),
            "/soap#Get",
        ),
        (
            request(
                "/soap",
                &[("SOAPAction", "\"\"")],
                "<?xml version='1.0'?><s:Envelope xmlns:s='u'><s:Header><Body1/></s:Header>\
                 <s:Body><b:GetLoan><id>7</id></b:GetLoan></s:Body></s:Envelope>",
            ),
            "/soap#GetLoan",
        ),
        (request("/soap", &[], "<broken"), "/soap"),
        (request("/ws", &[("soapaction", "Pay")], ""), "/ws#Pay"),
        (request("/do?a=1&action=show%20all", &[], ""), "/do#show_all"),
        (request("/events/acme", &[], r#"{"event":{"type":"paid"}}"#), "/events/{tenant}#paid"),
        (request("/graphql", &[], r#"{"query":"query A { a }"}"#), "/graphql"),
    ];
    for (request, expected) in table {
        assert_eq!(named(&naming, &request), expected, "{request:?}");
    }
}

#[test]
fn operations_of_graphql_need_no_entry() {
    let naming = Naming::default();
    let body = r#"{"query":"query GetLoan { loan }"}"#;
    assert_eq!(named(&naming, &request("/api/graphql", &[], body)), "/api/graphql#GetLoan");
    assert_eq!(named(&naming, &request("/api/graphql", &[], "{}")), "/api/graphql");
    assert_eq!(named(&naming, &request("/search", &[], body)), "/search");
}

#[test]
fn forms_that_accept_asks_for_are_told_apart() {
    let table = [
        ("", "application/json", "/loans"),
        ("*/*", "application/json", "/loans"),
        ("application/json", "application/json; charset=utf-8", "/loans"),
        ("*/*", "text/csv", "/loans"),
        ("text/csv", "text/csv; charset=utf-8", "/loans#csv"),
        ("text/csv", "application/json", "/loans"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html", "/loans#html"),
        ("application/xml;q=0.9, text/csv", "Application/XML", "/loans#xml"),
        ("application/vnd.bank.v2+json", "application/vnd.bank.v2+json", "/loans#vnd.bank.v2+json"),
        ("application/json; version=2", "application/json;version=2", "/loans#json+version=2"),
        ("application/json; version=2", "application/json", "/loans"),
        ("application/problem+json, text/csv", "application/problem+json", "/loans"),
    ];
    for (accept, given, expected) in table {
        let request = request("/loans", &[("Accept", accept)], "");
        let found = Naming::default().template(&Model::default(), &request, &answered(given));
        assert_eq!(found, expected, "{accept} {given}");
    }
}

#[test]
fn an_entry_that_says_nothing_is_told_by_its_number() {
    let entry = |route: &str, by: &str| EndpointConfig { route: route.into(), by: Some(by.into()) };
    let problem = |entry| Naming::compile(&[entry]).unwrap_err().to_string();
    assert!(problem(entry("rpc", "none")).starts_with("endpoint 1: route `rpc`: write METHOD"));
    let by = problem(entry("/rpc", "body"));
    assert!(by.contains("`by` is header:NAME"), "{by}");
}
