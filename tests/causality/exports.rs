//! Exports: pinned word for word, and names that try to break out.

use newton::causality::Graph;

use super::hand::{Made, made, recorded};

fn small() -> Vec<Made> {
    vec![
        made("1", "bank/Account/a", "Opened").of_command("k"),
        made("2", "bank/Account/b", "Opened").because("1", "follows").of_command("l"),
        made("3", "bank/Account/b", "Noted").because("4", "x"),
        made("4", "bank/Account/b", "Noted").because("3", "x"),
        made("5", "bank/Account/b", "Noted").because("gone", "x"),
    ]
}

/// Names that mean something to DOT, Mermaid, HTML, JSON or a terminal.
fn hostile() -> Vec<Made> {
    let name = r#""];} <b>&lt;</b> \n \" end %%{init}%% $$x$$ `*_ style:#;"#;
    let cause = "\u{0}\n\r\t\u{1b}[2J\u{2028}";
    vec![
        made("1", "a/B/c\"d", name).because(cause, name),
        made("2", "a/B/c", &"x".repeat(1_000)).because("1", "|\"|").of_command("]\")"),
    ]
}

#[test]
fn dot_is_pinned() {
    let expected = r#"digraph causality {
  rankdir=LR;
  n0 [label="command k\nto bank/Account/a", shape=ellipse];
  n1 [label="Opened\nbank/Account/a at version 1", shape=box];
  n2 [label="command l\nto bank/Account/b", shape=ellipse];
  n3 [label="Opened\nbank/Account/b at version 1", shape=box];
  n4 [label="Noted\nbank/Account/b at version 3", shape=box];
  n5 [label="Noted\nbank/Account/b at version 2", shape=box];
  n6 [label="missing event\ngone", shape=box, style=dashed];
  n7 [label="Noted\nbank/Account/b at version 4", shape=box];
  n0 -> n1;
  n1 -> n2 [label="follows"];
  n2 -> n3;
  n4 -> n5 [label="x"];
  n5 -> n4 [label="x", style=dashed];
  n6 -> n7 [label="x"];
}
"#;
    assert_eq!(Graph::of(&recorded(&small())).to_dot(), expected);
}

#[test]
fn mermaid_is_pinned() {
    let expected = r#"flowchart LR
  n0(["command k<br/>to bank/Account/a"])
  n1["Opened<br/>bank/Account/a at version 1"]
  n2(["command l<br/>to bank/Account/b"])
  n3["Opened<br/>bank/Account/b at version 1"]
  n4["Noted<br/>bank/Account/b at version 3"]
  n5["Noted<br/>bank/Account/b at version 2"]
  n6[/"missing event<br/>gone"/]
  n7["Noted<br/>bank/Account/b at version 4"]
  n0 --> n1
  n1 -->|"follows"| n2
  n2 --> n3
  n4 -->|"x"| n5
  n5 -.->|"x"| n4
  n6 -->|"x"| n7
"#;
    assert_eq!(Graph::of(&recorded(&small())).to_mermaid(), expected);
}

#[test]
fn json_is_pinned() {
    let expected = concat!(
        r#"{"nodes":[{"kind":"command","command_id":"k","target":"bank/Account/a"},"#,
        r#"{"kind":"event","event_id":"1","type":"Opened","stream":"bank/Account/a","version":1,"order_id":1,"#,
        r#""time":"2026-01-01T00:00:00.000000Z","correlation_id":"c","command_id":"k"},"#,
        r#"{"kind":"command","command_id":"l","target":"bank/Account/b"},"#,
        r#"{"kind":"event","event_id":"2","type":"Opened","stream":"bank/Account/b","version":1,"order_id":2,"#,
        r#""time":"2026-01-01T00:00:00.000000Z","correlation_id":"c","command_id":"l"}],"#,
        r#""edges":[{"from":0,"to":1,"tree":true},{"from":1,"to":2,"tree":true,"relation":"follows"},"#,
        r#"{"from":2,"to":3,"tree":true}]}"#,
    );
    assert_eq!(Graph::of(&recorded(&small()[..2])).to_json(), expected);
}

#[test]
fn hostile_names_stay_inside_their_labels() {
    let graph = Graph::of(&recorded(&hostile()));
    let name = r#"\"];} <b>&amp;lt;</b> \\n \\\" end %%{init}%% $$x$$ `*_ style:#;"#;
    let dot = graph.to_dot();
    assert!(dot.contains(&format!("[label=\"{name}\\na/B/c\\\"d at version 1\", shape=box]")), "{dot}");
    assert!(
        dot.contains("[label=\"missing event\\n\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}[2J\u{2028}\""),
        "{dot}"
    );
    assert!(dot.contains(&format!("[label=\"{}..\\n", "x".repeat(120))), "{dot}");
    let mermaid = graph.to_mermaid();
    let name = "#34;#93;#59;#125; #60;b#62;#38;lt#59;#60;/b#62; #92;n #92;#34; end #37;#37;#123;init#125;#37;#37; \
                #36;#36;x#36;#36; #96;#42;#95; style#58;#35;#59;";
    assert!(mermaid.contains(&format!("|\"{name}\"| n")), "{mermaid}");
    assert!(mermaid.contains("([\"command #93;#34;#41;<br/>to a/B/c\"])"), "{mermaid}");
    let json: serde_json::Value = serde_json::from_str(&graph.to_json()).unwrap();
    assert_eq!(json["nodes"][0]["event_id"], "\u{0}\n\r\t\u{1b}[2J\u{2028}");
    assert_eq!(json["nodes"][3]["type"], "x".repeat(1_000));
    assert_eq!(graph.to_string().lines().count(), 4, "{graph}");
}
