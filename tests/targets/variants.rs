//! variants: enumerations with data, by reference and by value.
use std::hint::black_box;

#[allow(dead_code)]
pub enum Shape {
    Empty,
    Circle(f64),
    Rect { w: u32, h: u32 },
    Both(i8, u16),
}

#[repr(i8)]
#[allow(dead_code)]
pub enum Signed {
    Minus(u8) = -2,
    Plus(u16) = 2,
}

pub struct Node {
    value: u32,
    next: Option<Box<Node>>,
}

#[inline(never)]
pub fn by_shape(shape: &Shape) {
    black_box(shape);
}

#[inline(never)]
pub fn by_niche(shape: &Option<Option<Shape>>, truth: &Option<Option<bool>>) {
    black_box((shape, truth));
}

#[inline(never)]
pub fn by_tag(result: &Result<u64, i16>, minus: &Signed) {
    black_box((minus, result));
}

#[inline(never)]
pub fn by_node(node: &Node) {
    black_box((node, node.value, &node.next));
}

/// Optimized code gets the number alone.
#[inline(never)]
pub fn by_number(number: &u32) -> u32 {
    black_box(*number + 1)
}

#[inline(never)]
pub fn by_value(some: Option<&u32>, after: u32) -> u32 {
    black_box(after + some.copied().unwrap_or(1))
}

#[inline(never)]
pub fn made(value: u32) -> Result<u64, String> {
    if black_box(value) > 2 { Ok(value.into()) } else { Err("small".to_owned()) }
}

fn main() {
    by_shape(&Shape::Empty);
    by_shape(&Shape::Circle(1.5));
    by_shape(&Shape::Rect { w: 3, h: 4 });
    by_shape(&Shape::Both(-5, 6));
    by_niche(&Some(Some(Shape::Circle(2.5))), &Some(None));
    by_niche(&Some(None), &None);
    by_tag(&Ok(7), &Signed::Minus(8));
    by_tag(&Err(-9), &Signed::Plus(300));
    by_node(&Node { value: 1, next: None });
    by_node(&Node { value: 2, next: Some(Box::new(Node { value: 3, next: None })) });
    by_number(&black_box(7));
    by_value(Some(&black_box(4)), 5);
    by_value(None, 6);
    black_box((made(3), made(1)));
}
