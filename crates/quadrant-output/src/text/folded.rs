//! Maps by stacks as folded stacks, from which programs like flamegraph.pl and inferno draw flame graphs.
//!
//! An entry is a line: the key's other parts, then the functions of the process and of the kernel, each from the outermost one on, separated
//! by semicolons; a blank; the number.

use quadrant_program::map::Aggregation;
use quadrant_program::map::Map;
use quadrant_program::map::MapValue;
use quadrant_program::ty::StackType;
use quadrant_program::ty::Type;
use quadrant_program::value::Value;
use quadrant_program::value::elements;

use crate::order::order;
use crate::resolver::Frame;
use crate::snapshot::Content;
use crate::text::map::map_value;
use crate::text::map::style;
use crate::text::value::Style;
use crate::text::value::value;
use crate::value::Scene;

/// Whether the entries of a map can be such lines: its keys have stacks, and its values are numbers.
pub(crate) fn folds(map: &Map) -> bool {
    let is_number = match &map.value {
        MapValue::Plain(ty) => ty.is_integer(),
        MapValue::Aggregation(aggregation) => !matches!(
            aggregation,
            Aggregation::Stats { .. }
                | Aggregation::Hist { .. }
                | Aggregation::LinearHist { .. }
                | Aggregation::Series(_)
        ),
    };
    is_number && map.key.as_ref().is_some_and(has_stack)
}

fn has_stack(ty: &Type) -> bool {
    match ty {
        Type::Stack(_) => true,
        Type::Tuple(parts) => parts.iter().any(has_stack),
        _ => false,
    }
}

/// Append a map that [`folds`].
pub(crate) fn map(out: &mut Vec<u8>, content: &Content<'_>, top: u64, div: u64, scene: &mut Scene<'_>) {
    let style = style(content.map.own.whole_keys());
    for index in order(content, top) {
        let Some(key) = content.key(index) else { continue };
        let mut words = Words::default();
        words.add(&key, style, scene);
        words.write(out);
        out.push(b' ');
        map_value(out, content.map, content.value_bytes(index), div, scene);
        out.push(b'\n');
    }
}

/// What a line consists of.
#[derive(Default)]
struct Words {
    others: Vec<Vec<u8>>,
    user: Vec<Vec<u8>>,
    kernel: Vec<Vec<u8>>,
}

impl Words {
    fn add(&mut self, part: &Value<'_>, style: Style, scene: &mut Scene<'_>) {
        match *part {
            Value::Tuple(parts, bytes) => elements(parts, bytes).for_each(|part| self.add(&part, style, scene)),
            Value::Stack(ty, id, pid) => self.add_stack(ty, id, pid, style, scene),
            _ => self.others.push(word(|out| value(out, part, style, scene))),
        }
    }

    fn add_stack(&mut self, ty: StackType, id: u32, pid: u32, style: Style, scene: &mut Scene<'_>) {
        let mut frames = Vec::new();
        let known = scene.resolver.stack(ty, id, pid, &mut |frame| frames.push(word(|out| name(out, &frame, style))));
        if !known {
            frames.push(b"[lost stack]".to_vec());
        }
        frames.reverse();
        if ty.user { self.user.extend(frames) } else { self.kernel.extend(frames) }
    }

    fn write(self, out: &mut Vec<u8>) {
        let words: Vec<Vec<u8>> = [self.others, self.user, self.kernel].into_iter().flatten().collect();
        out.extend_from_slice(&words.join(&b';'));
    }
}

/// A word of the line. Semicolons are between words only.
fn word(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut word = Vec::new();
    write(&mut word);
    word.iter_mut().filter(|byte| **byte == b';').for_each(|byte| *byte = b':');
    word
}

/// The function, or the file that it must be in: addresses would make a function as many as it has places.
fn name(out: &mut Vec<u8>, frame: &Frame<'_>, style: Style) {
    match (frame.symbol, frame.module) {
        (Some(symbol), _) => style.foreign(out, symbol),
        (None, module) => {
            let path = module.unwrap_or(b"unknown");
            let file = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
            out.push(b'[');
            style.foreign(out, file);
            out.push(b']');
        }
    }
}
