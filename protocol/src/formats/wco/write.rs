//! A tree as XML: UTF-8, an element a line, the namespaces of the schemas.

use super::tree::{Children, DECLARATION, Space, Tree};

const DECLARATION_OF_XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const META: &str = "md:";
const DATES: &str = "p1:";

/// Writes a document.
pub(super) fn xml(tree: &Tree) -> Vec<u8> {
    let mut out = String::with_capacity(64 * tree.count() + DECLARATION_OF_XML.len());
    out.push_str(DECLARATION_OF_XML);
    let space = Space::of_root(tree.name(0)).unwrap_or(Space::Meta);
    element(tree, 0, space, None, 0, &mut out);
    out.into_bytes()
}

fn element(tree: &Tree, node: usize, space: Space, around: Option<Space>, depth: usize, out: &mut String) {
    let name = tree.name(node);
    let prefix = match space {
        Space::Meta => META,
        Space::Dec | Space::Res => "",
        Space::DecDates | Space::ResDates => DATES,
    };
    indent(depth, out);
    out.push('<');
    out.push_str(prefix);
    out.push_str(name);
    if around != Some(space) {
        match space {
            Space::Meta => declare(":md", space, out),
            Space::Dec | Space::Res => {
                declare("", space, out);
                declare(":p1", if space == Space::Dec { Space::DecDates } else { Space::ResDates }, out);
            }
            Space::DecDates | Space::ResDates => {}
        }
    }
    for (name, value) in tree.attributes(node) {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        escape(value, true, out);
        out.push('"');
    }
    if tree.is_leaf(node) {
        let text = tree.text(node);
        if text.is_empty() {
            out.push_str("/>\n");
            return;
        }
        out.push('>');
        escape(text, false, out);
    } else {
        out.push_str(">\n");
        inside(tree, tree.children(node), space, depth + 1, out);
        indent(depth, out);
    }
    out.push_str("</");
    out.push_str(prefix);
    out.push_str(name);
    out.push_str(">\n");
}

fn inside(tree: &Tree, children: Children<'_>, around: Space, depth: usize, out: &mut String) {
    let mut declared = false;
    for child in children {
        let space = around.inside(tree.name(child), declared);
        declared |= tree.is(child, DECLARATION);
        element(tree, child, space, Some(around), depth, out);
    }
}

fn declare(of: &str, space: Space, out: &mut String) {
    out.push_str(" xmlns");
    out.push_str(of);
    out.push_str("=\"");
    out.push_str(space.uri());
    out.push('"');
}

fn indent(depth: usize, out: &mut String) {
    (0..depth).for_each(|_| out.push_str("  "));
}

/// What a reader would take for markup, or change, is written as a reference.
fn escape(text: &str, value: bool, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '"' if value => out.push_str("&quot;"),
            '\n' if value => out.push_str("&#10;"),
            '\t' if value => out.push_str("&#9;"),
            other => out.push(other),
        }
    }
}
