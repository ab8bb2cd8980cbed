//! XML and SOAP: what counts, what does not, and what is refused.

use diff::{Budget, Diff, Document, Kind, Rule, RuleKind, Rules, diff, patch};

fn xml(text: &str) -> Document<'_> {
    Document { content_type: Some("application/xml"), bytes: text.as_bytes() }
}

fn compare(left: &str, right: &str) -> Diff {
    diff(xml(left), xml(right), &Rules::default(), &Budget::default())
}

fn under(rules: &[(&str, RuleKind)], left: &str, right: &str) -> Diff {
    let rule =
        |(path, kind): &(&str, RuleKind)| Rule { path: (*path).to_owned(), kind: kind.clone() };
    let rules: Vec<Rule> = rules.iter().map(rule).collect();
    diff(xml(left), xml(right), &Rules::compile(&rules).expect("rules"), &Budget::default())
}

/// Kind and path of each change.
fn words(found: &Diff) -> Vec<(Kind, &str)> {
    found.changes.iter().map(|change| (change.kind, change.path.as_str())).collect()
}

#[test]
fn what_says_nothing_makes_no_difference() {
    for (left, right) in [
        (r#"<a x="1" y="2"/>"#, r#"<a y='2'   x="1"></a>"#),
        ("<a><b>1</b><c/></a>", "<?xml version='1.0'?>\n<a>\n  <b>1</b>\n  <c/>\n</a>\n"),
        ("<a>x<!-- word -->y</a>", "<a>xy</a>"),
        ("<a>&lt;&#65;&amp;</a>", "<a><![CDATA[<A&]]></a>"),
        ("<a b='&#x41;&quot;'/>", "<a b='A\"'/>"),
        ("<a>\n</a>", "<a/>"),
        ("<a>x\r\ny</a>", "<a>x\ny</a>"),
        (
            "<s:a xmlns:s='urn:1' s:k='1'><s:b/></s:a>",
            "<a xmlns='urn:1' xmlns:t='urn:1' t:k='1'><b xmlns:unused='urn:2'/></a>",
        ),
    ] {
        let found = compare(left, right);
        assert!(found.equal && found.changes.is_empty(), "{left} {right}: {found:?}");
    }
}

#[test]
fn what_says_something_is_told_in_one_change() {
    use Kind::{Added, Moved, Removed, Reordered, ValueChanged};
    for (left, right, kind, path) in [
        ("<a>1</a>", "<a>2</a>", ValueChanged, "/a"),
        ("<a> 1</a>", "<a>1</a>", ValueChanged, "/a"),
        ("<a x='1'>t</a>", "<a x='2'>t</a>", ValueChanged, "/a/@x"),
        ("<a>t</a>", "<a x='2'>t</a>", Added, "/a/@x"),
        ("<a><b>1</b></a>", "<a><b>1</b><c>2</c></a>", Added, "/a/c"),
        ("<a><b>1</b></a>", "<a><b>1</b><b>2</b></a>", Added, "/a/b/1"),
        ("<a><b>1</b><b>2</b></a>", "<a><b>2</b></a>", Removed, "/a/b/0"),
        ("<a><b/><c/></a>", "<a><c/><b/></a>", Moved, "/a/#content/1"),
        ("<a>x <b>y</b></a>", "<a>x<b>y</b></a>", ValueChanged, "/a/#content/0"),
        ("<a xmlns='urn:1'><b/></a>", "<a xmlns='urn:2'><b/></a>", ValueChanged, "/a/@xmlns"),
        (
            "<a xml:space='preserve'> </a>",
            "<a xml:space='preserve'>  </a>",
            ValueChanged,
            "/a/#text",
        ),
        ("<a/><?p 1?>", "<a/><?p 2?>", ValueChanged, "/?p"),
        ("<!DOCTYPE a><a/>", "<a/>", Removed, "/!DOCTYPE"),
    ] {
        let found = compare(left, right);
        let told = words(&found);
        let turned = kind == Moved && told == [(Reordered, "/a/#content")];
        let first = kind == Moved && told == [(Moved, "/a/#content/0")];
        assert!(told == [(kind, path)] || turned || first, "{left} {right}: {found:?}");
        assert!(!found.equal);
    }
}

#[test]
fn a_soap_answer_with_rules() {
    let answer = |prefix: &str, stamp: &str, price: &str, items: &str| {
        format!(
            "<?xml version=\"1.0\"?><{prefix}:Envelope xmlns:{prefix}=\"http://schemas.xmlsoap.org/soap/envelope/\">\
             <{prefix}:Header/><{prefix}:Body><GetOrderResponse xmlns=\"urn:orders\"><stamp>{stamp}</stamp>\
             <price currency=\"EUR\">{price}</price><items>{items}</items></GetOrderResponse></{prefix}:Body></{prefix}:Envelope>"
        )
    };
    let one = "<item><sku>A</sku></item><item><sku>B</sku></item>";
    let two = "<item><sku>B</sku></item><item><sku>A</sku></item>";
    let left = answer("soap", "2026-03-10T12:00:00Z", "10.00", one);
    let right = answer("S", "2026-03-10T12:00:03Z", "10.01", two);
    let rules = [
        ("$.Envelope.Body.GetOrderResponse.stamp", RuleKind::TimestampTolerance { seconds: 5.0 }),
        ("$..price['#text']", RuleKind::NumericTolerance { abs: Some(0.01), rel: None }),
        ("$..items.item", RuleKind::Unordered),
    ];
    assert!(under(&rules, &left, &right).equal);
    assert!(!under(&rules[..2], &left, &right).equal);
    let far = answer("S", "2026-03-10T12:00:09Z", "10.01", two);
    let found = under(&rules, &left, &far);
    assert_eq!(words(&found), [(Kind::ValueChanged, "/Envelope/Body/GetOrderResponse/stamp")]);
    let ignored = [("$..stamp", RuleKind::Ignore), ("$..price", RuleKind::Ignore)];
    assert!(under(&[&ignored[..], &rules[2..]].concat(), &left, &far).equal);
}

#[test]
fn entities_are_refused_and_nothing_is_expanded() {
    let laughs = "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><l>&b;</l>";
    let file = "<!DOCTYPE l [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><l>&a;</l>";
    for text in [laughs, file, "<l>&a;</l>", "<l k='&a;'/>"] {
        let other = text.replace("<l", "<m").replace("</l", "</m");
        let found = compare(text, &other);
        assert!(!found.equal, "{text}");
        assert!(found.notes.iter().any(|note| note.contains("its own")), "{found:?}");
        assert!(found.changes.iter().all(|change| !format!("{change:?}").contains("root:")));
    }
}

#[test]
fn what_is_no_xml_is_a_difference_on_one_side_and_text_on_both() {
    for broken in
        ["<a><b></a>", "<a>", "<a/><b/>", "<a/>text", "<a x='1' x='2'/>", "a", "<a>&#0;</a>"]
    {
        let found = compare("<a/>", broken);
        assert!(
            !found.equal && found.notes.iter().any(|note| note.contains("not, at byte")),
            "{broken}: {found:?}"
        );
        let found = compare(broken, &format!("{broken} "));
        assert!(!found.equal, "{broken}");
    }
}

#[test]
fn depth_is_bounded_and_needs_no_stack() {
    let nested = |depth: usize, inner: &str| {
        format!("{}{inner}{}", "<a>".repeat(depth), "</a>".repeat(depth))
    };
    let run = move || {
        let found = compare(&nested(9_000, "1"), &nested(9_000, "2"));
        assert_eq!(words(&found).len(), 1);
        assert_eq!(found.changes[0].path.len(), 18_000);
        let found = compare(&nested(200_000, "1"), &nested(200_000, "2"));
        assert!(!found.equal && found.notes.iter().any(|note| note.contains("deeper")));
    };
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(run).expect("a thread");
    thread.join().expect("no overflow");
}

#[test]
fn a_patch_speaks_of_the_same_tree() {
    let (left, right) = ("<a><b>1</b></a>", "<a><b>2</b><b>3</b></a>");
    let found = compare(left, right);
    let patch = serde_json::to_string(&patch(xml(left), xml(right), &found)).expect("JSON");
    assert!(patch.contains("/a/b/"), "{patch}");
}
