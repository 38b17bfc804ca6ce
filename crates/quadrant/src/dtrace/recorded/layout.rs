//! What probes offer to their clauses, as a recording has it.
//!
//! Types are written as C writes them, and looked up where the recording is replayed. Of places that only a kernel or a process has,
//! nothing is kept but that they are different ones: what is there is among the values of each event.

use std::cell::RefCell;
use std::collections::BTreeSet;

use quadrant_d::providers;
use quadrant_d::providers::Arg;
use quadrant_d::providers::ArgType;
use quadrant_d::providers::Layout;
use quadrant_d::providers::Text;
use quadrant_d::providers::Value as Place;
use quadrant_program::probe::ArgLoc;
use quadrant_program::probe::Field;
use quadrant_program::probe::FieldPlace;
use quadrant_program::probe::Operand;
use quadrant_types::TypeId;
use quadrant_types::Types;
use serde_json::Value;
use serde_json::json;

/// A layout for the file.
pub fn to_json(layout: &Layout, types: &Types) -> Value {
    let arg = |arg: &Arg| {
        let ty = match &arg.ty {
            ArgType::C(id) => json!({"c": types.display(*id)}),
            ArgType::D(text) => json!({"d": text}),
        };
        json!({"type": ty, "value": place_to_json(&arg.value, types)})
    };
    let places = |places: &[Place]| places.iter().map(|place| place_to_json(place, types)).collect::<Value>();
    json!({
        "args": layout.args.iter().map(arg).collect::<Value>(), "args_vary": layout.args_vary,
        "raw": places(&layout.raw), "inputs": places(&layout.inputs),
        "predicate": layout.predicate, "errno": layout.errno, "thread": layout.thread,
        "requires": layout.requires, "ends": layout.ends,
    })
}

fn place_to_json(place: &Place, types: &Types) -> Value {
    match place {
        Place::Field(field) => json!({"field": {
            "name": field.name, "type": types.display(field.ty), "user": field.user, "place": field_place(&field.place),
        }}),
        Place::Word(number) => json!({"word": number}),
        Place::Result => json!({"result": true}),
        Place::At(place) => json!({"operand": {
            "bytes": place.bytes, "signed": place.signed, "float": place.float,
            "unavailable": place.operand == Operand::Unavailable,
        }}),
        Place::Pc(user) => json!({"pc": user}),
        Place::Constant(value) => json!({"constant": value}),
        Place::Text(text) => json!({"text": text}),
    }
}

fn field_place(place: &FieldPlace) -> Value {
    match place {
        FieldPlace::Context { offset, size } => json!({"offset": offset, "size": size}),
        FieldPlace::DataLoc { offset, relative } => json!({"data_loc": offset, "relative": relative}),
        FieldPlace::Arg(number) => json!({"arg": number}),
        FieldPlace::Result => json!({"result": true}),
        // D gives such fields no names.
        FieldPlace::User(_) => Value::Null,
    }
}

/// The types of the machine that replays.
pub struct Here<'a> {
    types: &'a Types,
    /// Those that it does not have.
    pub missing: RefCell<BTreeSet<String>>,
}

impl<'a> Here<'a> {
    /// Nothing is missing yet.
    pub fn new(types: &'a Types) -> Here<'a> {
        Here { types, missing: RefCell::default() }
    }

    /// The type of that name. One that there is not is a number, or an address of nothing known, and noted.
    fn type_named(&self, name: &str) -> TypeId {
        self.types.parse_type_name(name).unwrap_or_else(|_| {
            self.missing.borrow_mut().insert(name.to_owned());
            match name.contains('*') {
                true => self.types.pointer_to(TypeId::VOID),
                false => self.types.int(8, false),
            }
        })
    }
}

/// A layout of the file; `None` if it makes no sense, or has code that is not of our providers: the file may be anybody's.
pub fn of_json(value: &Value, here: &Here) -> Option<Layout> {
    let places = |name: &str| {
        let places = value[name].as_array()?.iter().enumerate();
        places.map(|(index, place)| place_of_json(place, index, here)).collect::<Option<Vec<Place>>>()
    };
    let arg = |(index, arg): (usize, &Value)| {
        let ty = match (arg["type"]["c"].as_str(), arg["type"]["d"].as_str()) {
            (Some(name), _) => ArgType::C(here.type_named(name)),
            (_, Some(text)) => ArgType::D(Text::Owned(text.to_owned())),
            _ => return None,
        };
        Some(Arg { ty, value: place_of_json(&arg["value"], index, here)? })
    };
    let text = |name: &str| value[name].as_str().map(|text| Text::Owned(text.to_owned()));
    let texts = |name: &str| {
        let texts = value[name].as_array().into_iter().flatten();
        texts.filter_map(|text| Some(Text::Owned(text.as_str()?.to_owned()))).collect()
    };
    let layout = Layout {
        args: value["args"].as_array()?.iter().enumerate().map(arg).collect::<Option<_>>()?,
        args_vary: value["args_vary"].as_bool()?,
        raw: places("raw")?,
        inputs: places("inputs")?,
        predicate: text("predicate"),
        errno: text("errno"),
        thread: text("thread"),
        requires: texts("requires"),
        ends: texts("ends"),
        ..Layout::default()
    };
    providers::is_own(&layout).then_some(layout)
}

fn place_of_json(value: &Value, index: usize, here: &Here) -> Option<Place> {
    let (kind, value) = value.as_object()?.iter().next()?;
    Some(match kind.as_str() {
        "field" => Place::Field(Field {
            name: value["name"].as_str()?.to_owned(),
            ty: here.type_named(value["type"].as_str()?),
            place: field_place_of_json(&value["place"])?,
            user: value["user"].as_bool()?,
        }),
        "word" => Place::Word(u8::try_from(value.as_u64()?).ok()?),
        "result" => Place::Result,
        "operand" => Place::At(operand(value, index)?),
        "pc" => Place::Pc(value.as_bool()?),
        "constant" => Place::Constant(value.as_i64()?),
        "text" => Place::Text(Text::Owned(value.as_str()?.to_owned())),
        _ => return None,
    })
}

fn operand(value: &Value, index: usize) -> Option<ArgLoc> {
    let unavailable = value["unavailable"].as_bool()?;
    Some(ArgLoc {
        bytes: u8::try_from(value["bytes"].as_u64()?).ok().filter(|bytes| matches!(bytes, 1 | 2 | 4 | 8))?,
        signed: value["signed"].as_bool()?,
        float: value["float"].as_bool()?,
        operand: if unavailable { Operand::Unavailable } else { Operand::Sum { reg: 0, add: index as i64 } },
    })
}

fn field_place_of_json(place: &Value) -> Option<FieldPlace> {
    let number = |name: &str| place[name].as_u64().and_then(|number| u32::try_from(number).ok());
    if let Some(offset) = number("offset") {
        return Some(FieldPlace::Context { offset, size: number("size")? });
    }
    if let Some(offset) = number("data_loc") {
        return Some(FieldPlace::DataLoc { offset, relative: place["relative"].as_bool()? });
    }
    match number("arg") {
        Some(number) => Some(FieldPlace::Arg(u8::try_from(number).ok()?)),
        None => place["result"].as_bool().map(|_| FieldPlace::Result),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(place: FieldPlace, types: &Types) -> Place {
        Place::Field(Field { name: "f".to_owned(), ty: types.pointer_to(types.char()), place, user: true })
    }

    fn layout(types: &Types) -> Layout {
        let raw = vec![
            field(FieldPlace::Context { offset: 16, size: 8 }, types),
            field(FieldPlace::DataLoc { offset: 8, relative: true }, types),
            field(FieldPlace::Arg(3), types),
            field(FieldPlace::Result, types),
            Place::Word(2),
            Place::Result,
            Place::Pc(true),
            Place::At(ArgLoc { bytes: 4, signed: true, float: false, operand: Operand::Sum { reg: 0, add: 7 } }),
            Place::Constant(-5),
            Place::Text("-(int)arg0".into()),
            Place::At(ArgLoc { bytes: 8, signed: false, float: false, operand: Operand::Unavailable }),
        ];
        let args = vec![
            Arg { ty: ArgType::C(types.int(4, true)), value: Place::Word(0) },
            Arg { ty: ArgType::D("bufinfo_t *".into()), value: Place::Text("copyinstr(arg1)".into()) },
        ];
        Layout {
            args,
            args_vary: true,
            inputs: raw[..3].to_vec(),
            raw,
            predicate: Some("(int64_t)arg0 > 0".into()),
            errno: Some("(int64_t)arg0 < 0 && (int64_t)arg0 >= -4095 ? -(int)arg0 : 0".into()),
            thread: Some("((struct task_struct *)arg0)".into()),
            requires: vec!["fbt::submit_bio_wait:entry { self->__io_wait = (uint64_t)((struct bio *)arg0); }".into()],
            ends: vec!["fbt::submit_bio_wait:return { self->__io_wait = 0; }".into()],
            ..Layout::default()
        }
    }

    #[test]
    fn layouts_come_back_as_they_were() {
        let types = Types::without_btf("a test");
        let layout = layout(&types);
        let here = Here::new(&types);
        assert_eq!(of_json(&to_json(&layout, &types), &here), Some(layout));
        assert_eq!(here.missing.take(), BTreeSet::new());
    }

    #[test]
    fn what_is_damaged_is_no_layout() {
        let types = Types::without_btf("a test");
        let here = Here::new(&types);
        let good = to_json(&layout(&types), &types).to_string();
        for at in 0..good.len() {
            let damaged = format!("{}{}{}", &good[..at], "9", good.get(at + 1..).unwrap_or_default());
            // Some of it is still a layout; nothing panics.
            serde_json::from_str(&damaged).ok().and_then(|value: Value| of_json(&value, &here));
        }
        assert_eq!(of_json(&Value::Null, &here), None);
    }

    #[test]
    fn types_that_are_not_here_are_noted() {
        let types = Types::without_btf("a test");
        let here = Here::new(&types);
        assert_eq!(here.type_named("struct nowhere *"), types.pointer_to(TypeId::VOID));
        assert_eq!(here.missing.take(), BTreeSet::from(["struct nowhere *".to_owned()]));
    }

    /// Nobody's code but our own is compiled.
    #[test]
    fn code_of_the_file_is_refused() {
        let types = Types::without_btf("a test");
        let evil = json!("BEGIN { system(\"id\"); }");
        let good = to_json(&layout(&types), &types);
        for field in ["predicate", "errno", "thread"] {
            let mut said = good.clone();
            said[field] = evil.clone();
            assert_eq!(of_json(&said, &Here::new(&types)), None, "{field}");
        }
        for (list, one) in [
            ("requires", evil.clone()),
            ("ends", evil.clone()),
            ("raw", json!({"text": evil})),
            ("inputs", json!({"text": "arg0"})),
            ("args", json!({"type": {"d": evil}, "value": {"constant": 0}})),
            ("args", json!({"type": {"c": "int"}, "value": {"text": evil}})),
        ] {
            let mut said = good.clone();
            said[list] = json!([one]);
            assert_eq!(of_json(&said, &Here::new(&types)), None, "{list}");
        }
    }
}
