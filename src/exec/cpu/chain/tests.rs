// Elements of many tensors at the same index are compared.
#![allow(clippy::needless_range_loop)]

use super::super::memory::{Memory, Span};
use super::*;
use crate::graph::{Function, NodeId};
use crate::kernel::{Access, Expr, Instr, Leaf, Operand, Store, Value, View};
use crate::ops::elementwise::functions;
use crate::random::Stream;
use crate::{DType, Result, Shape};

/// A chain with the contents of its operands. Each operand has its own buffer.
struct Case {
    expr: Expr,
    buffers: Vec<Vec<u32>>,
}

impl Case {
    fn new(len: usize) -> Self {
        let expr = Expr {
            domain: Shape::from([len]),
            leaves: Vec::new(),
            constants: Vec::new(),
            code: Vec::new(),
            stores: Vec::new(),
            result: None,
        };
        Case {
            expr,
            buffers: Vec::new(),
        }
    }

    fn buffer(&mut self, words: Vec<u32>) -> usize {
        self.buffers.push(words);
        self.buffers.len() - 1
    }

    fn leaf(&mut self, buffer: usize, dtype: DType, access: Access) -> Value {
        let len = self.buffers[buffer].len();
        self.expr.leaves.push(Leaf {
            operand: operand(buffer),
            dtype,
            len,
            access,
        });
        Value::Leaf(self.expr.leaves.len() - 1)
    }

    fn call(&mut self, name: &str, args: &[Value]) -> Value {
        let instr = Instr {
            function: function(name),
            args: args.to_vec(),
        };
        self.expr.code.push(instr);
        Value::Instr(self.expr.code.len() - 1)
    }

    fn store(&mut self, value: Value, buffer: usize) {
        self.expr.stores.push(Store {
            value,
            operand: operand(buffer),
            dtype: DType::F32,
        });
    }

    fn run(&self, threads: usize) -> Result<Vec<Vec<u32>>> {
        let place = |operand: Operand, len| match operand {
            Operand::Node(id) => Ok(Span {
                buffer: id.index(),
                start: 0,
                len,
            }),
            Operand::Scratch(_) => unreachable!(),
        };
        let chain = compile(&self.expr, &place, None, None)?;
        let sizes: Vec<usize> = self.buffers.iter().map(Vec::len).collect();
        let mut memory = Memory::new(&sizes)?;
        let span = |buffer: usize, len| Span {
            buffer,
            start: 0,
            len,
        };
        for (i, words) in self.buffers.iter().enumerate() {
            memory.get_mut(span(i, words.len()))?.copy_from_slice(words);
        }
        let mut registers: Vec<_> = (0..threads)
            .map(|_| Registers::new(chain.registers()))
            .collect();
        let count = threads.min(if chain.len > 1 { threads } else { 1 });
        let Open { reads, mut writes } = memory.open(&chain.accesses);
        // Above the threshold, so that small sizes are split as well.
        let writes = &mut writes[..chain.writes];
        chain.split(0, chain.len, &reads, writes, &mut registers[..count]);
        let get = |(i, &len)| Ok(memory.get(span(i, len))?.to_vec());
        sizes.iter().enumerate().map(get).collect()
    }
}

fn operand(buffer: usize) -> Operand {
    Operand::Node(NodeId(buffer as u32))
}

fn function(name: &str) -> &'static Function {
    functions().find(|f| f.name == name).unwrap()
}

fn numbers(n: usize, seed: u64) -> Vec<u32> {
    let mut stream = Stream::new(seed);
    (0..n)
        .map(|_| (stream.uniform() * 4.0 - 2.0).to_bits())
        .collect()
}

const NAN: u32 = 0x7fc0_0000;

fn wide(word: u32, dtype: DType) -> f64 {
    match dtype {
        DType::F32 | DType::F16 | DType::Bf16 => f64::from(f32::from_bits(word)),
        DType::I32 => f64::from(word as i32),
        DType::U32 | DType::Bool => f64::from(word),
    }
}

#[test]
fn every_function_agrees_with_its_definition() {
    for f in functions() {
        for n in [1, BLOCK - 1, BLOCK, 3 * BLOCK + 7] {
            let mut case = Case::new(n);
            let mut stream = Stream::new(5);
            let mut args = Vec::new();
            for &dtype in f.inputs {
                let draw = |_| {
                    let (low, high) = f.domain;
                    let x = low + f64::from(stream.uniform()) * (high - low);
                    compile::word(if dtype.is_float() { x } else { x.floor() }, dtype)
                };
                let buffer = (0..n).map(draw).collect();
                let buffer = case.buffer(buffer);
                args.push(case.leaf(buffer, dtype, Access::Same));
            }
            for (&value, &dtype) in f.examples.iter().zip(f.constants) {
                case.expr.constants.push((value, dtype));
                args.push(Value::Constant(case.expr.constants.len() - 1));
            }
            let y = case.buffer(vec![NAN; n]);
            let value = case.call(f.name, &args);
            case.store(value, y);
            let result = case.run(2).unwrap();
            for i in 0..n {
                let x: Vec<f64> = f
                    .inputs
                    .iter()
                    .enumerate()
                    .map(|(a, d)| wide(result[a][i], *d))
                    .collect();
                let want = (f.reference)(i, &x, f.examples);
                let got = wide(result[y][i], f.output);
                let tolerance = f.abs.max(1.2e-38) + f.ulp.max(0.5) * 1.2e-7 * want.abs();
                assert!(
                    (got - want).abs() <= tolerance,
                    "{} {x:?}: expected {want}, found {got}",
                    f.name
                );
            }
        }
    }
}

/// Returns the element of a leaf for element `i`, by the definition of [`Access`].
fn element(access: &Access, i: usize) -> usize {
    match access {
        Access::Same => i,
        Access::Scalar { at } => *at,
        Access::Row { n } => i % n,
        Access::Column { n } => i / n,
        Access::Channel { inner, n } => i / inner % n,
        Access::Strided(view) => view.at(i),
    }
}

#[test]
fn every_access_reads_its_element() {
    let mut shapes = vec![
        [1, 1],
        [2, 3],
        [3, 2],
        [7, 10],
        [300, 3],
        [5, 1023],
        [5, 1024],
    ];
    shapes.extend([[4, 1030], [1030, 4], [2, 3000], [3, 2047], [2049, 1]]);
    for [rows, n] in shapes {
        let len = rows * n;
        let strided = |dims: &[usize], strides: &[isize], offset| {
            Access::Strided(View {
                dims: dims.to_vec(),
                strides: strides.to_vec(),
                offset,
            })
        };
        let all = [
            (len, Access::Same),
            (5, Access::Scalar { at: 3 }),
            (n, Access::Row { n }),
            (rows, Access::Column { n }),
            (rows, Access::Channel { inner: 1, n: rows }),
            (3, Access::Channel { inner: n, n: 3 }),
            (len, strided(&[rows, n], &[1, rows as isize], 0)),
            (3 * len + 2, strided(&[rows, n], &[3 * n as isize, 3], 2)),
            (rows * n, strided(&[rows, 1, n], &[0, 7, 1], 0)),
            (2 * n, strided(&[rows, n], &[0, 2], 1)),
            (len, strided(&[rows, n], &[-(n as isize), -1], len - 1)),
            (
                3 * len,
                strided(&[rows, n], &[3 * n as isize, -3], 3 * n - 2),
            ),
        ];
        for (words, access) in &all {
            for (other_words, other) in &all {
                let mut case = Case::new(len);
                let (a, b) = (
                    case.buffer(numbers(*words, 1)),
                    case.buffer(numbers(*other_words, 2)),
                );
                let y = case.buffer(vec![NAN; len]);
                let (x, z) = (
                    case.leaf(a, DType::F32, access.clone()),
                    case.leaf(b, DType::F32, other.clone()),
                );
                let sum = case.call("add", &[x, z]);
                let value = case.call("mul", &[sum, x]);
                case.store(value, y);
                let result = case.run(3).unwrap();
                for i in 0..len {
                    let x = f32::from_bits(result[a][element(access, i)]);
                    let z = f32::from_bits(result[b][element(other, i)]);
                    assert_eq!(
                        f32::from_bits(result[y][i]),
                        (x + z) * x,
                        "{access:?} {other:?} {i}"
                    );
                }
            }
        }
    }
}

#[test]
fn in_place_updates_read_the_old_values() {
    for n in [1, 5, BLOCK + 1, 4 * BLOCK] {
        let mut case = Case::new(n);
        let (p, m, g) = (numbers(n, 1), numbers(n, 2), numbers(n, 3));
        let [p_at, m_at, g_at] = [&p, &m, &g].map(|x| case.buffer(x.clone()));
        let [p_leaf, m_leaf, g_leaf] =
            [p_at, m_at, g_at].map(|b| case.leaf(b, DType::F32, Access::Same));
        // m = m * g + p, p = p - m, and g becomes the old m.
        let product = case.call("mul", &[m_leaf, g_leaf]);
        let new_m = case.call("add", &[product, p_leaf]);
        let new_p = case.call("sub", &[p_leaf, new_m]);
        case.store(new_m, m_at);
        case.store(new_p, p_at);
        case.store(m_leaf, g_at);
        for threads in [1, 2, 3, 8] {
            let result = case.run(threads).unwrap();
            for i in 0..n {
                let [p, m, g] = [&p, &m, &g].map(|x| f32::from_bits(x[i]));
                let new_m = m * g + p;
                assert_eq!(f32::from_bits(result[m_at][i]), new_m);
                assert_eq!(f32::from_bits(result[p_at][i]), p - new_m);
                assert_eq!(f32::from_bits(result[g_at][i]), m);
            }
        }
    }
}

#[test]
fn values_may_swap_their_places() {
    let n = BLOCK + 3;
    let mut case = Case::new(n);
    let (a, b) = (case.buffer(numbers(n, 1)), case.buffer(numbers(n, 2)));
    let (x, y) = (
        case.leaf(a, DType::F32, Access::Same),
        case.leaf(b, DType::F32, Access::Same),
    );
    case.store(x, b);
    case.store(y, a);
    let result = case.run(2).unwrap();
    assert_eq!(result, [case.buffers[1].clone(), case.buffers[0].clone()]);
}

#[test]
fn one_value_may_be_stored_twice_and_constants_too() {
    let n = 2 * BLOCK + 1;
    let mut case = Case::new(n);
    let a = case.buffer(numbers(n, 1));
    let [b, c, d] = [(); 3].map(|()| case.buffer(vec![NAN; n]));
    let x = case.leaf(a, DType::F32, Access::Same);
    case.expr.constants.push((2.5, DType::F32));
    let sum = case.call("add", &[x, Value::Constant(0)]);
    let double = case.call("add", &[sum, sum]);
    for (value, buffer) in [(sum, b), (sum, c), (Value::Constant(0), d), (double, a)] {
        case.store(value, buffer);
    }
    let result = case.run(2).unwrap();
    for i in 0..n {
        let x = f32::from_bits(case.buffers[a][i]) + 2.5;
        let got = [b, c, d, a].map(|k| f32::from_bits(result[k][i]));
        assert_eq!(got, [x, x, 2.5, x + x]);
    }
}

#[test]
fn an_update_that_reads_its_place_in_another_order_is_refused() {
    let mut case = Case::new(6);
    let a = case.buffer(numbers(6, 1));
    let view = View {
        dims: vec![2, 3],
        strides: vec![1, 2],
        offset: 0,
    };
    let x = case.leaf(a, DType::F32, Access::Strided(view));
    let y = case.call("neg", &[x]);
    case.store(y, a);
    assert!(case.run(1).is_err());
}

#[test]
fn nothing_is_computed_for_an_empty_domain() {
    let mut case = Case::new(0);
    let (a, b) = (case.buffer(Vec::new()), case.buffer(numbers(4, 1)));
    let x = case.leaf(a, DType::F32, Access::Same);
    let s = case.leaf(b, DType::F32, Access::Scalar { at: 1 });
    let y = case.buffer(Vec::new());
    let value = case.call("add", &[x, s]);
    case.store(value, y);
    assert_eq!(case.run(2).unwrap(), case.buffers);
}

#[test]
fn random_numbers_follow_the_index_across_blocks_and_threads() {
    let n = 5 * BLOCK + 9;
    let mut case = Case::new(n);
    let key = case.buffer(vec![7, 11]);
    let y = case.buffer(vec![NAN; n]);
    let keys = [0, 1].map(|at| case.leaf(key, DType::U32, Access::Scalar { at }));
    case.expr.constants.push((3.0, DType::U32));
    let value = case.call("random_uniform", &[keys[0], keys[1], Value::Constant(0)]);
    case.store(value, y);
    for threads in [1, 2, 5] {
        let result = case.run(threads).unwrap();
        for i in 0..n {
            let want = (function("random_uniform").reference)(i, &[7.0, 11.0], &[3.0]);
            assert_eq!(f64::from(f32::from_bits(result[y][i])), want);
        }
    }
}
