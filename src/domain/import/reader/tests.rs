//! How files come apart.

use super::*;

fn items(text: &str) -> Result<Vec<String>, &'static str> {
    let mut reader = Reader::new(text.as_bytes());
    let (mut items, mut item) = (Vec::new(), Vec::new());
    loop {
        match reader.next(&mut item) {
            Ok(true) => {
                items.push(String::from_utf8(item.clone()).unwrap().trim().to_owned());
            }
            Ok(false) => {
                assert_eq!(reader.position(), text.len() as u64);
                return Ok(items);
            }
            Err(Fault::Text(_, message)) => return Err(message),
            Err(Fault::Io(error)) => panic!("{error}"),
        }
    }
}

#[test]
fn a_list_comes_apart_at_its_own_commas() {
    let text = "\u{feff} [ {\"a,]\": [1, \"}\\\"\\\\\", {}]} , [2,[3]],\n\"x\" ] \n";
    let expected = ["{\"a,]\": [1, \"}\\\"\\\\\", {}]}", "[2,[3]]", "\"x\""];
    assert_eq!(items(text).unwrap(), expected);
    assert_eq!(items("[]").unwrap(), [""; 0]);
    assert_eq!(items(" [ ] ").unwrap(), [""; 0]);
    assert_eq!(items("[1,]").unwrap(), ["1", ""]);
}

#[test]
fn an_object_or_another_value_alone_is_one_item() {
    assert_eq!(items(" {\"a\": [1, 2]}\n").unwrap(), ["{\"a\": [1, 2]}"]);
    let pretty = "{\n  \"a\": {\n    \"b\": \"}\"\n  }\n}";
    assert_eq!(items(&format!("{pretty}\n\n")).unwrap(), [pretty]);
    assert_eq!(items("{\"a\": [1").unwrap(), ["{\"a\": [1"]);
    assert_eq!(items(" \"text\"\n7").unwrap(), ["\"text\"\n7"]);
}

/// Item texts with their line and column.
fn places(text: &str) -> Vec<(String, u32, u32)> {
    let mut reader = Reader::new(text.as_bytes());
    let (mut items, mut item) = (Vec::new(), Vec::new());
    while reader.next(&mut item).unwrap() {
        let place = reader.location().unwrap_or(Location { line: 0, column: 0 });
        let item = str::from_utf8(&item).unwrap().trim().to_owned();
        items.push((item, place.line, place.column));
    }
    items
}

fn place(item: &str, line: u32, column: u32) -> (String, u32, u32) {
    (item.to_owned(), line, column)
}

#[test]
fn each_line_is_an_item() {
    let text = "\u{feff}{\"a\": \"ä}\"}\r\n\r\n\n  {\"b\": [{}]}  \r\n{\"c\": 1}";
    assert_eq!(
        places(text),
        [
            place("{\"a\": \"ä}\"}", 1, 1),
            place("{\"b\": [{}]}", 4, 3),
            place("{\"c\": 1}", 5, 1)
        ]
    );
    assert_eq!(items(text).unwrap().len(), 3);
    assert_eq!(places("[{},\n{}]"), [place("{}", 0, 0), place("{}", 0, 0)]);
}

#[test]
fn a_broken_line_leaves_the_next_ones_whole() {
    let text = "{} x\n{\"a\": [1}\n{\"b\": \"1}\n{\"c\": 1}}\n7\n{\"d\": 1} {}\n{}\n";
    assert_eq!(
        places(text),
        [
            place("{} x", 1, 1),
            place("{\"a\": [1}", 2, 1),
            place("{\"b\": \"1}", 3, 1),
            place("{\"c\": 1}}", 4, 1),
            place("7", 5, 1),
            place("{\"d\": 1} {}", 6, 1),
            place("{}", 7, 1)
        ]
    );
}

#[test]
fn objects_of_several_lines_follow_one_another() {
    let text = "{\n  \"a\": 1\n}\n{ \"b\":\n2 } {}\nx\n{}";
    assert_eq!(
        places(text),
        [
            place("{\n  \"a\": 1\n}", 1, 1),
            place("{ \"b\":\n2 }", 4, 1),
            place("{}", 5, 5),
            place("x", 6, 1),
            place("{}", 7, 1)
        ]
    );
}

#[test]
fn lines_are_longer_than_the_buffer() {
    let long = format!("{{\"a\": \"{}\"}}", "é".repeat(BUFFER));
    let text = format!("{long}\n{long}\n{{}}");
    assert_eq!(
        places(&text),
        [place(&long, 1, 1), place(&long, 2, 1), place("{}", 3, 1)]
    );
}

#[test]
fn a_list_that_breaks_off_or_goes_on_is_refused() {
    assert_eq!(items("  "), Err("the input is empty"));
    assert_eq!(items("[{}"), Err("the input ends before its list does"));
    assert_eq!(items("[{}, {"), Err("the input ends before its list does"));
    assert_eq!(
        items("[{}] []"),
        Err("something follows the end of the list")
    );
}
