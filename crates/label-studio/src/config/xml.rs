//! XML of a labelling config: checks limits before parsing, so that hostile texts take time and memory in proportion to
//! the length, and describes errors of the parser in words of the config.

use problem::{LineIndex, Location};
use roxmltree::{Document, Error, ParsingOptions};

use super::Diagnostic;

/// Longest config, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// Nesting limit of tags, as in Label Studio.
const MAX_DEPTH: usize = 256;
/// Most attributes per tag: the parser finds duplicates by pairwise comparison
/// (<https://www.w3.org/TR/xml/#uniqattspec>).
const MAX_ATTRIBUTES: usize = 256;
/// Most namespace declarations: every nested tag scans them.
const MAX_NAMESPACES: usize = 32;
/// Tags, texts and comments together.
const MAX_NODES: u32 = 250_000;
/// Longest piece of a config that a message repeats, in characters.
const MAX_QUOTED: usize = 100;

/// Parses a text as XML. Returns the first error: later errors would be consequences.
pub fn read(text: &str) -> Result<Document<'_>, Diagnostic> {
    if text.len() > MAX_BYTES {
        let message = format!("a labelling config has at most {MAX_BYTES} bytes");
        return Err(diagnostic(message, Location { line: 1, column: 1 }));
    }
    let shape = Shape::of(text)?;
    let options = ParsingOptions {
        // Entities of a document type can expand exponentially, and could read files.
        // https://cheatsheetseries.owasp.org/cheatsheets/XML_External_Entity_Prevention_Cheat_Sheet.html
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        entity_resolver: None,
    };
    Document::parse_with_options(text, options).map_err(|error| {
        let message = match (&error, shape.unfinished) {
            (Error::NoRootNode | Error::UnexpectedEndOfStream, Some(_)) => {
                "what starts here does not end".to_owned()
            }
            _ => sentence(&error),
        };
        // The parser reports these errors at the end of the text; the start of the unclosed tag says more.
        let offset = match error {
            Error::UnclosedRootNode => shape.open.last().copied(),
            Error::NoRootNode => shape.unfinished,
            Error::UnexpectedEndOfStream => Some(shape.unfinished.unwrap_or(text.len())),
            Error::NodesLimitReached => Some(text.len()),
            _ => None,
        };
        let place = error.pos();
        let location = offset.map_or_else(
            || Location {
                line: place.row,
                column: place.col,
            },
            |offset| LineIndex::new(text).location(offset),
        );
        diagnostic(message, location)
    })
}

/// Quotes a piece of a config for a message.
pub fn quoted(piece: &str) -> String {
    match piece.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("`{}…`", &piece[..end]),
        None => format!("`{piece}`"),
    }
}

fn diagnostic(message: impl Into<String>, location: Location) -> Diagnostic {
    Diagnostic {
        message: message.into(),
        location,
    }
}

/// Nesting of tags, found by brackets and quotes alone.
///
/// Valid up to the first XML error, where the parser stops, too.
#[derive(Default)]
struct Shape {
    /// Offsets of unclosed tags, outermost first.
    open: Vec<usize>,
    /// Start of an unterminated tag or comment.
    unfinished: Option<usize>,
    namespaces: usize,
}

impl Shape {
    fn of(text: &str) -> Result<Self, Diagnostic> {
        let mut shape = Self::default();
        let mut next = 0;
        while let Some(found) = text[next..].find('<') {
            let start = next + found;
            match shape.take(text, start)? {
                Some(end) => next = end,
                None => {
                    shape.unfinished = Some(start);
                    break;
                }
            }
        }
        Ok(shape)
    }

    /// Skips the tag or comment at this bracket. Returns its end.
    fn take(&mut self, text: &str, start: usize) -> Result<Option<usize>, Diagnostic> {
        let rest = &text[start..];
        let past = |end: &str| rest.find(end).map(|found| start + found + end.len());
        if let Some(comment) = rest.strip_prefix("<!--") {
            let end = comment.find("-->");
            return Ok(end.map(|found| start + "<!--".len() + found + "-->".len()));
        }
        if rest.starts_with("<![CDATA[") {
            return Ok(past("]]>"));
        }
        if rest.starts_with("<!DOCTYPE") {
            let message = "a labelling config can't have a document type (`<!DOCTYPE`)";
            return Err(diagnostic(message, LineIndex::new(text).location(start)));
        }
        if rest.starts_with("<?") {
            return Ok(past("?>"));
        }
        // Names are not compared: the parser refuses a mismatch.
        if rest.starts_with("</") {
            self.open.pop();
            return Ok(past(">"));
        }
        let refusal = |message| Err(diagnostic(message, LineIndex::new(text).location(start)));
        self.open.push(start);
        // Checked here: parser and readers recurse once per level.
        if self.open.len() > MAX_DEPTH {
            return refusal(format!("tags are nested at most {MAX_DEPTH} deep"));
        }
        let Some(tag) = Tag::read(rest) else {
            return Ok(None);
        };
        if tag.attributes > MAX_ATTRIBUTES {
            return refusal(format!("a tag has at most {MAX_ATTRIBUTES} attributes"));
        }
        self.namespaces += tag.namespaces;
        if self.namespaces > MAX_NAMESPACES {
            return refusal(format!(
                "a labelling config declares at most {MAX_NAMESPACES} namespaces"
            ));
        }
        if tag.is_empty {
            self.open.pop();
        }
        Ok(Some(start + tag.length))
    }
}

/// Opening tag, scanned by quotes.
struct Tag {
    length: usize,
    attributes: usize,
    namespaces: usize,
    /// `<View/>`
    is_empty: bool,
}

impl Tag {
    fn read(text: &str) -> Option<Self> {
        let mut attributes = 0;
        let mut namespaces = 0;
        let mut piece = 0;
        loop {
            let stop = piece + text[piece..].find(['"', '\'', '>'])?;
            let quote = char::from(text.as_bytes()[stop]);
            if quote == '>' {
                return Some(Self {
                    length: stop + 1,
                    attributes,
                    namespaces,
                    is_empty: text[..stop].ends_with('/'),
                });
            }
            // Values of attributes are quoted, so each pair of quotes is an attribute.
            attributes += 1;
            let before = text[piece..stop]
                .trim_end()
                .trim_end_matches('=')
                .trim_end();
            let name = before.rsplit(char::is_whitespace).next();
            namespaces += usize::from(name.is_some_and(|name| name.starts_with("xmlns")));
            piece = stop + 1 + text[stop + 1..].find(quote)? + 1;
        }
    }
}

/// Message for an error of the parser, in words of the config.
fn sentence(error: &Error) -> String {
    match error {
        Error::UnknownNamespace(prefix, _) => {
            format!("the prefix {} is not declared", quoted(prefix))
        }
        Error::UnexpectedCloseTag(expected, actual, _) => format!(
            "{} closes nothing here: {} is open",
            quoted(&format!("</{actual}>")),
            quoted(&format!("<{expected}>"))
        ),
        Error::UnknownEntityReference(name, _) => format!(
            "{} is not defined: write the character itself, or its number as in `&#233;`",
            quoted(&format!("&{name};"))
        ),
        Error::MalformedEntityReference(_) => {
            "`&` starts no reference here: write `&amp;` for the character".to_owned()
        }
        Error::DuplicatedAttribute(name, _) => {
            format!("the attribute {} is given twice", quoted(name))
        }
        Error::NoRootNode | Error::UnexpectedEndOfStream => "there is no tag".to_owned(),
        Error::UnclosedRootNode => "this tag is never closed".to_owned(),
        Error::UnexpectedDeclaration(_) => {
            "`<?xml …?>` can only be the very beginning of the text".to_owned()
        }
        Error::NodesLimitReached
        | Error::AttributesLimitReached
        | Error::NamespacesLimitReached => {
            format!("a labelling config has at most {MAX_NODES} tags and texts")
        }
        Error::InvalidName(_) => "a name is expected here".to_owned(),
        Error::NonXmlChar(character, _) => format!(
            "the character U+{:04X} can't stand in XML",
            u32::from(*character)
        ),
        Error::InvalidChar(_, b'<', _) => {
            "`<` can't stand in a tag: write `&lt;` for the character".to_owned()
        }
        Error::InvalidChar(expected, _, _) => {
            format!("`{}` is expected here", char::from(*expected))
        }
        Error::InvalidChar2("a quote", _, _) => {
            "the value of an attribute has to stand in quotes".to_owned()
        }
        Error::InvalidChar2("a whitespace", _, _) => {
            "attributes have to be set apart by spaces".to_owned()
        }
        Error::InvalidString(expected, _) => format!("`{expected}` is expected here"),
        Error::InvalidComment(_) => "a comment can't hold `--`, nor end with `-`".to_owned(),
        Error::InvalidCharacterData(_) => "`]]>` can't stand in a text: write `]]&gt;`".to_owned(),
        Error::UnknownToken(_) => {
            "this belongs to no tag: there is one outermost tag, and nothing but comments beside it"
                .to_owned()
        }
        Error::InvalidXmlPrefixUri(_)
        | Error::UnexpectedXmlUri(_)
        | Error::UnexpectedXmlnsUri(_)
        | Error::InvalidElementNamePrefix(_)
        | Error::DuplicatedNamespace(..) => "namespaces can't be declared like this".to_owned(),
        // The remaining errors need a document type, which is refused earlier.
        _ => "this is no XML".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::diagnostics;

    #[test]
    fn what_is_no_xml_is_told_with_its_place() {
        let texts = [
            "",
            "  ",
            "abc",
            "<View>\n <a></b></View>",
            "<View>\n  <Text name=\"t\">\n</View",
            "<View><a>",
            "<View",
            "<View a=\"x",
            "<View><!-- x",
            "<View a=1/>",
            "<View a/>",
            "<View a=\"1\"b=\"2\"/>",
            "<View a=\"<\"/>",
            "<View a=\"1\" a=\"2\"/>",
            "<View>é&nbsp;</View>",
            "<View>a & b</View>",
            "<View>\u{1}</View>",
            "<View>]]></View>",
            "<View/><View/>",
            "<View/>x",
            "<View><!-- a -- b --></View>",
            "<a:View/>",
            "<1/>",
            " <?xml version=\"1.0\"?><View/>",
            "<!DOCTYPE v [<!ENTITY a \"b\">]><View/>",
            "<View xmlns:xml='x'/>",
        ];
        let told: Vec<_> = texts
            .iter()
            .map(|text| format!("{text:?}\n  {}", diagnostics(text)))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r##"
    ""
      1:1 there is no tag
    "  "
      1:1 there is no tag
    "abc"
      1:1 this belongs to no tag: there is one outermost tag, and nothing but comments beside it
    "<View>\n <a></b></View>"
      2:5 `</b>` closes nothing here: `<a>` is open
    "<View>\n  <Text name=\"t\">\n</View"
      3:1 what starts here does not end
    "<View><a>"
      1:7 this tag is never closed
    "<View"
      1:1 what starts here does not end
    "<View a=\"x"
      1:1 what starts here does not end
    "<View><!-- x"
      1:13 `-->` is expected here
    "<View a=1/>"
      1:9 the value of an attribute has to stand in quotes
    "<View a/>"
      1:8 `=` is expected here
    "<View a=\"1\"b=\"2\"/>"
      1:12 attributes have to be set apart by spaces
    "<View a=\"<\"/>"
      1:10 `<` can't stand in a tag: write `&lt;` for the character
    "<View a=\"1\" a=\"2\"/>"
      1:13 the attribute `a` is given twice
    "<View>é&nbsp;</View>"
      1:8 `&nbsp;` is not defined: write the character itself, or its number as in `&#233;`
    "<View>a & b</View>"
      1:9 `&` starts no reference here: write `&amp;` for the character
    "<View>\u{1}</View>"
      1:7 the character U+0001 can't stand in XML
    "<View>]]></View>"
      1:10 `]]>` can't stand in a text: write `]]&gt;`
    "<View/><View/>"
      1:8 this belongs to no tag: there is one outermost tag, and nothing but comments beside it
    "<View/>x"
      1:8 this belongs to no tag: there is one outermost tag, and nothing but comments beside it
    "<View><!-- a -- b --></View>"
      1:7 a comment can't hold `--`, nor end with `-`
    "<a:View/>"
      1:2 the prefix `a` is not declared
    "<1/>"
      1:2 a name is expected here
    " <?xml version=\"1.0\"?><View/>"
      1:2 `<?xml …?>` can only be the very beginning of the text
    "<!DOCTYPE v [<!ENTITY a \"b\">]><View/>"
      1:1 a labelling config can't have a document type (`<!DOCTYPE`)
    "<View xmlns:xml='x'/>"
      1:7 namespaces can't be declared like this
    "##);
    }

    #[test]
    fn declarations_comments_and_character_data_do_no_harm() {
        for text in [
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><View/>",
            "\u{feff}<View/>",
            " <View><!-- <Text name=\"a\"/><Text name=\"a\"/> --><Style><![CDATA[<a><b>]]></Style></View> ",
            "<Foo><Choices/></Foo>",
            "<View xmlns:x='u'><x:Text/></View>",
            "<View><Header value='name=\"t\" toName=\"u\"'/></View>",
        ] {
            assert_eq!(diagnostics(text), "", "{text}");
        }
    }
}
