//! A small XML tree with hard bounds, enough for the receipt computer's flat files.
//!
//! Elements are found by name, never by position: receipt computers order them as they like. A document type
//! definition is refused, and only the five predefined entities and character references are resolved, so no file can
//! make us expand, fetch or include anything. No error bears text from the file: these files are about patients.

use std::fmt;

use quick_xml::Reader;
use quick_xml::escape::minimal_escape;
use quick_xml::events::{BytesRef, BytesStart, Event};
use thiserror::Error;

/// The largest file read or written, in bytes (DOMAIN section 4).
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The deepest nesting of elements; the deepest known file has five levels.
pub const MAX_DEPTH: usize = 16;
/// The most elements in one document.
pub const MAX_ELEMENTS: usize = 20_000;

/// Why a document was refused. Positions are byte offsets in the document decoded to UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum XmlError {
    /// More than [`MAX_BYTES`].
    #[error("the document is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// More than [`MAX_DEPTH`] levels.
    #[error("the document is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// More than [`MAX_ELEMENTS`] elements.
    #[error("the document has more than {MAX_ELEMENTS} elements")]
    TooManyElements,
    /// Not well-formed XML.
    #[error("the document is not well-formed XML at byte {0}")]
    NotWellFormed(u64),
    /// It ends before its root element does: a file that was cut short, or is still being written.
    #[error("the document ends before its root element is closed")]
    CutShort,
    /// A `<!DOCTYPE …>`.
    #[error("the document has a document type definition (DOCTYPE), which is not allowed")]
    DocumentType,
    /// An entity other than the five predefined ones, or a reference to a character XML does not allow.
    #[error("the document has an entity or character reference that is not allowed at byte {0}")]
    Entity(u64),
    /// Text beside child elements, or outside the root.
    #[error("the document has text outside a leaf element at byte {0}")]
    StrayText(u64),
}

/// One element: a leaf with text, or a branch with children.
///
/// `Debug` prints names only: the text is a patient's data.
#[derive(Clone, PartialEq, Eq)]
pub struct Node {
    /// The element's name.
    pub name: String,
    /// The text of a leaf, untrimmed (an insurer number begins with spaces); empty for a branch.
    pub text: String,
    /// The children of a branch, in document order.
    pub children: Vec<Node>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.name)?;
        f.debug_list().entries(&self.children).finish()
    }
}

impl Node {
    /// An element that holds other elements.
    pub fn branch(name: impl Into<String>, children: Vec<Node>) -> Self {
        Self { name: name.into(), text: String::new(), children }
    }

    /// An element that holds text.
    pub fn leaf(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), children: Vec::new() }
    }

    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of that name, in order.
    pub fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// Whether XML 1.0 (section 2.2) allows this character in text at all.
pub fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// Reads a document that has already been decoded to UTF-8.
///
/// # Errors
/// [`XmlError`] when it is not one well-formed element tree within the bounds.
pub fn parse(document: &str) -> Result<Node, XmlError> {
    if document.len() > MAX_BYTES {
        return Err(XmlError::TooLarge);
    }
    let mut reader = Reader::from_str(document);
    let mut tree = Tree::default();
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(quick_xml::Error::Syntax(_)) => return Err(XmlError::CutShort),
            Err(_) => return Err(XmlError::NotWellFormed(reader.error_position())),
        };
        let at = reader.buffer_position();
        match event {
            Event::Start(tag) => tree.open(&tag, at)?,
            Event::Empty(tag) => {
                tree.open(&tag, at)?;
                tree.close(at)?;
            }
            Event::End(_) => tree.close(at)?,
            Event::Text(text) => tree.text(&text.xml10_content(), at)?,
            Event::CData(text) => tree.text(&text.xml10_content(), at)?,
            Event::GeneralRef(reference) => {
                let c = resolve(&reference).filter(|c| is_allowed(*c)).ok_or(XmlError::Entity(at))?;
                tree.text(c.encode_utf8(&mut [0; 4]), at)?;
            }
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return tree.finish(),
        }
    }
}

fn resolve(reference: &BytesRef<'_>) -> Option<char> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok().flatten();
    }
    match &**reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// The tree under construction: the elements still open, outermost first, and the root once closed.
#[derive(Default)]
struct Tree {
    open: Vec<Node>,
    root: Option<Node>,
    elements: usize,
}

impl Tree {
    fn open(&mut self, tag: &BytesStart<'_>, at: u64) -> Result<(), XmlError> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(XmlError::TooManyElements);
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(XmlError::TooDeep);
        }
        if self.root.is_some() {
            return Err(XmlError::NotWellFormed(at));
        }
        if tag.attributes().any(|attribute| attribute.is_err()) {
            return Err(XmlError::NotWellFormed(at));
        }
        if let Some(parent) = self.open.last_mut() {
            if !is_blank(&parent.text) {
                return Err(XmlError::StrayText(at));
            }
            parent.text.clear();
        }
        self.open.push(Node::leaf(tag.name().as_ref(), ""));
        Ok(())
    }

    fn close(&mut self, at: u64) -> Result<(), XmlError> {
        let done = self.open.pop().ok_or(XmlError::NotWellFormed(at))?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => self.root = Some(done),
        }
        Ok(())
    }

    fn text(&mut self, text: &str, at: u64) -> Result<(), XmlError> {
        if !text.chars().all(is_allowed) {
            return Err(XmlError::NotWellFormed(at));
        }
        match self.open.last_mut() {
            Some(leaf) if leaf.children.is_empty() => leaf.text.push_str(text),
            _ if is_blank(text) => {}
            _ => return Err(XmlError::StrayText(at)),
        }
        Ok(())
    }

    fn finish(self) -> Result<Node, XmlError> {
        if !self.open.is_empty() {
            return Err(XmlError::CutShort);
        }
        self.root.ok_or(XmlError::CutShort)
    }
}

/// XML's white space, and the byte order mark that may open a file.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{FEFF}'))
}

/// Writes a document: prolog, then one element a line. The text must hold allowed characters only ([`is_allowed`]).
pub fn write(root: &Node, encoding_label: &str) -> String {
    let mut out = format!("<?xml version=\"1.0\" encoding=\"{encoding_label}\" standalone=\"no\"?>\r\n");
    write_node(root, 0, &mut out);
    out
}

fn write_node(node: &Node, depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
    let name = &node.name;
    out.push_str(&format!("<{name}>"));
    if node.children.is_empty() {
        // A bare carriage return would be read back as a line feed.
        out.push_str(&minimal_escape(&*node.text).replace('>', "&gt;").replace('\r', "&#13;"));
    } else {
        out.push_str("\r\n");
        for child in &node.children {
            write_node(child, depth + 1, out);
        }
        out.extend(std::iter::repeat_n("  ", depth));
    }
    out.push_str(&format!("</{name}>\r\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_name_in_any_order() {
        let one = parse("<a><b>1</b><c>2</c></a>").unwrap();
        let other = parse("<?xml version='1.0'?>\n<a>\n <c>2</c>\n <b>1</b>\n</a>\n").unwrap();
        for name in ["b", "c"] {
            assert_eq!(one.child(name).unwrap().text, other.child(name).unwrap().text);
        }
    }

    #[test]
    fn leading_spaces_of_an_insurer_number_survive() {
        assert_eq!(parse("<a>  123456</a>").unwrap().text, "  123456");
    }

    #[test]
    fn predefined_entities_and_character_references_are_resolved() {
        assert_eq!(parse("<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x9AD9;</a>").unwrap().text, "<&>\"'A髙");
    }

    #[test]
    fn every_refusal_has_its_own_error() {
        let deep = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        let many = |n: usize| format!("<r>{}</r>", "<a/>".repeat(n - 1));
        assert!(parse(&deep(MAX_DEPTH)).is_ok());
        assert_eq!(parse(&deep(MAX_DEPTH + 1)), Err(XmlError::TooDeep));
        assert!(parse(&many(MAX_ELEMENTS)).is_ok());
        assert_eq!(parse(&many(MAX_ELEMENTS + 1)), Err(XmlError::TooManyElements));
        assert_eq!(parse(&format!("<a>{}</a>", " ".repeat(MAX_BYTES))), Err(XmlError::TooLarge));
        assert_eq!(parse("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"), Err(XmlError::DocumentType));
        assert!(matches!(parse("<a>&x;</a>"), Err(XmlError::Entity(_))));
        assert!(matches!(parse("<a>&#0;</a>"), Err(XmlError::Entity(_))));
        assert!(matches!(parse("<a>&#xB;</a>"), Err(XmlError::Entity(_))));
        assert!(matches!(parse("<a>x<b/></a>"), Err(XmlError::StrayText(_))));
        assert!(matches!(parse("<a><b/>x</a>"), Err(XmlError::StrayText(_))));
        assert!(matches!(parse("<a/>x"), Err(XmlError::StrayText(_))));
        for ill in ["<a></b>", "<a/><b/>", "</a>", "<a b=1 b=2/>", "<a>\u{1}</a>"] {
            assert!(matches!(parse(ill), Err(XmlError::NotWellFormed(_))), "{ill}");
        }
        for cut in ["", "<?xml version='1.0'?>", "<a>", "<a><b>1</b>", "<a><b", "<a><!-- "] {
            assert_eq!(parse(cut), Err(XmlError::CutShort), "{cut}");
        }
    }

    #[test]
    fn debug_shows_names_and_no_text() {
        let node = Node::branch("a", vec![Node::leaf("Name", "窓口太郎")]);
        assert_eq!(format!("{node:?}"), "<a>[<Name>[]]");
    }
}
