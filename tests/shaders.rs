//! Checks every shader module of ops and chains: naga accepts it and translates it to the other
//! languages; a second front end (tint) and a SPIR-V validator agree if they are installed; it
//! stays within WebGPU's default limits; and the header of each file describes it.
//!
//! The modules are those of all cases in `src/doctor/cases/`, planned for several devices, and
//! chains of each function with each access to a tensor.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use naga::back::{hlsl, msl, pipeline_constants::process_overrides, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ShaderStage, StorageAccess};

use wgrad::autodiff::gradients;
use wgrad::doctor::{Case, cases};
use wgrad::exec::roofline_kernels;
use wgrad::graph::{Function, Output};
use wgrad::kernel::{
    Access, Binding, Emitted, Expr, Instr, Kernel, KernelLimits, Leaf, Operand, Part, Store, Value,
    View, emit_epilogue, emit_prologue, fuse_horizontally, prelude,
};
use wgrad::ops::elementwise::functions;
use wgrad::plan::{Layout, Plan, plan};
use wgrad::{DType, Shape};

/// A device with larger limits than WebGPU's defaults.
const LARGE: KernelLimits = KernelLimits {
    invocations: 1024,
    workgroup_bytes: 32768,
    workgroups: 65535,
    storage_buffers: 32,
    binding_bytes: 1 << 30,
    buffer_bytes: 1 << 31,
    offset_alignment: 64,
    subgroups: Some((8, 32)),
    ..KernelLimits::WEBGPU
};

/// Software devices with two subgroup sizes.
const SOFTWARE_8: KernelLimits = KernelLimits {
    software: true,
    subgroups: Some((8, 8)),
    ..LARGE
};
const SOFTWARE_4: KernelLimits = KernelLimits {
    software: true,
    subgroups: Some((4, 4)),
    ..LARGE
};

/// The ops with separate kernels for software devices.
const SOFTWARE_OPS: [&str; 8] = [
    "matmul",
    "conv",
    "attention",
    "softmax",
    "log_softmax",
    "cross_entropy",
    "layer_norm",
    "rms_norm",
];

/// A kernel with its source and the limits for which it was created.
struct Sample {
    kernel: Kernel,
    origin: String,
    limits: &'static KernelLimits,
}

/// A capability that naga requires for `unpack2x16float`, which WebGPU always has.
const EVERYWHERE: Capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;

/// All kernels, each text once for each set of overrides.
fn samples() -> &'static [Sample] {
    static ALL: OnceLock<Vec<Sample>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        let mut add = |kernel: Kernel, origin: &str, limits| {
            if seen.insert((kernel.text(), kernel.overrides.clone())) {
                let origin = origin.to_string();
                all.push(Sample {
                    kernel,
                    origin,
                    limits,
                });
            }
        };
        for limits in [&KernelLimits::WEBGPU, &LARGE, &SOFTWARE_8, &SOFTWARE_4] {
            // Only these ops have kernels for software devices.
            let knows = |c: &Case| SOFTWARE_OPS.contains(&&*c.op);
            let wanted = |c: &Case| knows(c) || !limits.software;
            for case in cases()
                .into_iter()
                .filter(|c| c.error.is_none() && wanted(c))
            {
                let origin = format!("{}::{}", case.op, case.name);
                planned(&case, limits)
                    .into_iter()
                    .for_each(|k| add(k, &origin, limits));
            }
        }
        for (kernel, origin) in functions().flat_map(chains) {
            add(kernel, &origin, &KernelLimits::WEBGPU);
        }
        for limits in [&KernelLimits::WEBGPU, &LARGE] {
            let (arithmetic, copy) = roofline_kernels(limits);
            arithmetic
                .into_iter()
                .chain([copy])
                .for_each(|k| add(k, "the roofline", limits));
        }
        all
    })
}

/// Returns the kernels of a case, forward and backward, with all variants.
fn planned(case: &Case, limits: &KernelLimits) -> Vec<Kernel> {
    let name = format!("{}::{}", case.op, case.name);
    let traced = case.trace().unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut outputs = vec![traced.y.clone()];
    if traced.y.dtype().is_float() && case.no_gradient.is_none() {
        let r = wgrad::ops::input(&traced.graph, "r", traced.y.shape(), DType::F32);
        let found = gradients(&(&traced.y * &r).sum(&[]), &traced.x);
        outputs.extend(
            found
                .unwrap_or_else(|e| panic!("{name}: {e}"))
                .into_iter()
                .flatten(),
        );
    }
    for (i, output) in outputs.iter().enumerate() {
        let node = output.id().expect("no error occurred");
        traced.graph.borrow_mut().outputs.push(Output {
            name: format!("y{i}"),
            node,
        });
    }
    let graph = traced.graph.borrow();
    let planned = plan(&graph, &Layout::new(&graph.variables), limits);
    let planned = planned.unwrap_or_else(|e| panic!("{name}: {e}\n{graph}"));
    let horizontal: Vec<Kernel> = horizontal(&planned, limits);
    let dispatches = planned.steps.into_iter().flat_map(|s| s.variants).flatten();
    dispatches.map(|d| d.kernel).chain(horizontal).collect()
}

/// Returns the fused kernels of concurrent steps.
fn horizontal(plan: &Plan, limits: &KernelLimits) -> Vec<Kernel> {
    let fused = |group: &Range<usize>| {
        let steps = plan.steps[group.clone()].iter();
        let first = steps.filter_map(|step| step.variants.first()?.first());
        let kernels: Vec<&Kernel> = first.map(|d| &d.kernel).collect();
        fuse_horizontally(&kernels, limits)
    };
    plan.concurrent.iter().filter_map(fused).collect()
}

/// Returns the function in epilogues and prologues of both widths, with each access to its
/// arguments.
fn chains(f: &'static Function) -> Vec<(Kernel, String)> {
    let strided = || {
        Access::Strided(View {
            dims: vec![3, 8],
            strides: vec![1, 5],
            offset: 2,
        })
    };
    let accesses = [
        ("same", Access::Same),
        ("scalar", Access::Scalar { at: 3 }),
        ("row_8", Access::Row { n: 8 }),
        ("row_6", Access::Row { n: 6 }),
        ("column_8", Access::Column { n: 8 }),
        ("column_6", Access::Column { n: 6 }),
        ("channel_8", Access::Channel { inner: 8, n: 3 }),
        ("channel_6", Access::Channel { inner: 2, n: 3 }),
        ("strided", strided()),
    ];
    let mut kernels = Vec::new();
    for (name, access) in accesses {
        // Half-precision values are stored four at a time.
        let widths: &[u32] = if f.output.is_half() { &[4] } else { &[1, 4] };
        for &width in widths {
            let mut expr = chain(f, &access);
            let epilogue = emit_epilogue(&expr, width, 1);
            let call = match f.output {
                // The argument of an epilogue is an f32.
                DType::F32 => "epilogue(F(0.5), id.x)",
                _ => "epilogue(F(1.5), id.x)",
            };
            kernels.push((
                wrap(call, width, epilogue),
                format!("epilogue of {} by {name}", f.name),
            ));
            if f.output == DType::F32 {
                expr.result = expr.stores.first().map(|s| s.value);
                expr.stores.clear();
                let prologue = emit_prologue(&expr, width, 1);
                let call = "sink[id.x] = prologue(id.x)";
                kernels.push((
                    wrap(call, width, prologue),
                    format!("prologue of {} by {name}", f.name),
                ));
            }
        }
    }
    kernels
}

/// Returns the chain `f(leaf 0, leaf 1, ..)`, with the same access to all leaves.
fn chain(f: &'static Function, access: &Access) -> Expr {
    let leaf = |(i, &dtype): (usize, &DType)| Leaf {
        operand: Operand::Scratch(i),
        dtype,
        len: 48,
        access: access.clone(),
    };
    let leaves: Vec<Leaf> = f.inputs.iter().enumerate().map(leaf).collect();
    let constants = f.examples.iter().copied().zip(f.constants.iter().copied());
    let arguments = (0..leaves.len()).map(Value::Leaf);
    let args = arguments
        .chain((0..f.constants.len()).map(Value::Constant))
        .collect();
    Expr {
        domain: Shape::from([24]),
        constants: constants.collect(),
        code: vec![Instr { function: f, args }],
        stores: vec![Store {
            value: Value::Instr(0),
            operand: Operand::Scratch(9),
            dtype: f.output,
        }],
        result: None,
        leaves,
    }
}

/// Returns a kernel with one call.
fn wrap(call: &str, width: u32, emitted: Emitted) -> Kernel {
    let text = format!(
        "@group(0) @binding(0) var<storage, read_write> sink: array<F>;\n@compute @workgroup_size(64)\n\
         fn main(@builtin(global_invocation_id) id: vec3<u32>) {{ {call}; }}\n"
    );
    let sink = Part {
        file: "generated sink",
        text: text.into(),
    };
    let mut parts = vec![prelude(width), sink];
    parts.extend(emitted.parts);
    let mut bindings = vec![Binding::Write(Operand::Scratch(10))];
    bindings.extend(emitted.bindings);
    Kernel {
        label: "chain",
        parts,
        overrides: Vec::new(),
        bindings,
        workgroups: [1, 1, 1],
    }
}

fn uses_subgroups(text: &str) -> bool {
    text.contains("subgroup")
}

fn validated(text: &str) -> Result<(Module, ModuleInfo), String> {
    let module = naga::front::wgsl::parse_str(text).map_err(|e| e.emit_to_string(text))?;
    let capabilities = match uses_subgroups(text) {
        true => Capabilities::SUBGROUP | EVERYWHERE,
        false => EVERYWHERE,
    };
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    validator.subgroup_stages(naga::valid::ShaderStages::COMPUTE);
    validator.subgroup_operations(naga::valid::SubgroupOperationSet::all());
    let info = validator
        .validate(&module)
        .map_err(|e| e.emit_to_string(text))?;
    Ok((module, info))
}

/// Returns the module with the values of its overrides.
fn specialized(kernel: &Kernel) -> Result<(Module, ModuleInfo), String> {
    let (module, info) = validated(&kernel.text())?;
    let constants = kernel.overrides.iter();
    let constants = constants
        .map(|(name, value)| (name.to_string(), f64::from(*value)))
        .collect();
    let entry = Some((ShaderStage::Compute, "main"));
    let (module, info) =
        process_overrides(&module, &info, entry, &constants).map_err(|e| e.to_string())?;
    Ok((module.into_owned(), info.into_owned()))
}

fn to_spirv(module: &Module, info: &ModuleInfo) -> Result<Vec<u32>, String> {
    let options = spv::Options {
        lang_version: (1, 3),
        ..Default::default()
    };
    let entry = spv::PipelineOptions {
        shader_stage: ShaderStage::Compute,
        entry_point: "main".to_string(),
    };
    spv::write_vec(module, info, &options, Some(&entry)).map_err(|e| format!("SPIR-V: {e}"))
}

/// Runs a check on every kernel and fails with all messages, the first ten in full.
fn check_all(check: impl Fn(&Sample) -> Result<(), String>) {
    let complaint = |s: &Sample| {
        check(s)
            .err()
            .map(|e| format!("{} ({}):\n{e}", s.kernel.label, s.origin))
    };
    let complaints: Vec<String> = samples().iter().filter_map(complaint).collect();
    let shown = complaints
        .iter()
        .take(10)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n\n");
    assert!(
        complaints.is_empty(),
        "{} of {}:\n{shown}",
        complaints.len(),
        samples().len()
    );
    assert!(samples().len() > 500, "only {} kernels", samples().len());
}

#[test]
fn naga_translates_every_module() {
    check_all(|sample| {
        let (module, info) = specialized(&sample.kernel)?;
        to_spirv(&module, &info)?;
        let entry = Some((ShaderStage::Compute, "main".to_string()));
        let options = hlsl::Options {
            shader_model: hlsl::ShaderModel::V6_0,
            ..Default::default()
        };
        let pipeline = hlsl::PipelineOptions {
            entry_point: entry.clone(),
        };
        let mut text = String::new();
        let mut writer = hlsl::Writer::new(&mut text, &options, &pipeline);
        writer
            .write(&module, &info, None)
            .map_err(|e| format!("HLSL: {e}"))?;
        let options = msl::Options {
            lang_version: (2, 4),
            ..Default::default()
        };
        let pipeline = msl::PipelineOptions {
            entry_point: entry,
            allow_and_force_point_size: false,
            ..Default::default()
        };
        msl::write_string(&module, &info, &options, &pipeline).map_err(|e| format!("MSL: {e}"))?;
        Ok(())
    });
}

/// Runs `program` on a file for each kernel; does nothing if it is not installed.
fn run_on_each(
    program: &str,
    extension: &str,
    arguments: &[&str],
    contents: impl Fn(&Kernel) -> Result<Vec<u8>, String>,
) {
    if Command::new(program).arg("--version").output().is_err() {
        eprintln!("{program} is not installed: nothing was checked");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(format!("module.{extension}"));
    check_all(|sample| {
        std::fs::write(&file, contents(&sample.kernel)?).map_err(|e| e.to_string())?;
        let output = Command::new(program).arg(&file).args(arguments).output();
        let output = output.map_err(|e| e.to_string())?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    });
}

#[test]
fn tint_accepts_every_module() {
    run_on_each("tint", "wgsl", &["--format", "wgsl"], |kernel| {
        let text = kernel.text();
        // tint requires this directive; naga does not support it.
        let enable = if uses_subgroups(&text) {
            "enable subgroups;\n"
        } else {
            ""
        };
        Ok(format!("{enable}{text}").into_bytes())
    });
}

#[test]
fn spirv_val_accepts_every_module() {
    run_on_each(
        "spirv-val",
        "spv",
        &["--target-env", "vulkan1.1"],
        |kernel| {
            let (module, info) = specialized(kernel)?;
            Ok(to_spirv(&module, &info)?
                .iter()
                .flat_map(|w| w.to_le_bytes())
                .collect())
        },
    );
}

#[test]
fn kernels_stay_within_the_limits_they_were_made_for() {
    check_all(|sample| {
        let (module, _) = specialized(&sample.kernel)?;
        let most = |what: &str, used: u64, limit: u32| match used <= u64::from(limit) {
            true => Ok(()),
            false => Err(format!("{used} {what}, but the limit is {limit}")),
        };
        let size = module.entry_points[0].workgroup_size;
        let invocations = size.iter().map(|&n| u64::from(n)).product();
        most("invocations", invocations, sample.limits.invocations)?;
        let shared = module
            .global_variables
            .iter()
            .filter(|(_, v)| v.space == AddressSpace::WorkGroup);
        let bytes = shared
            .map(|(_, v)| u64::from(module.types[v.ty].inner.size(module.to_ctx())))
            .sum();
        most(
            "bytes of workgroup memory",
            bytes,
            sample.limits.workgroup_bytes,
        )?;
        let storage = |b: &&Binding| !matches!(b, Binding::Uniform(_));
        let buffers = sample.kernel.bindings.iter().filter(storage).count();
        most(
            "storage buffers",
            buffers as u64,
            sample.limits.storage_buffers,
        )?;
        for groups in sample.kernel.workgroups {
            most("workgroups", u64::from(groups), sample.limits.workgroups)?;
        }
        Ok(())
    });
}

#[test]
fn bindings_are_what_the_module_declares() {
    check_all(|sample| {
        let (module, _) = validated(&sample.kernel.text())?;
        let mut declared = BTreeMap::new();
        for (_, variable) in module.global_variables.iter() {
            if let Some(binding) = &variable.binding {
                declared.insert(binding.binding as usize, variable);
            }
        }
        for (i, binding) in sample.kernel.bindings.iter().enumerate() {
            let Some(variable) = declared.remove(&i) else {
                // A tensor that is bound twice may occupy a binding that the module does not use.
                let same = sample
                    .kernel
                    .bindings
                    .iter()
                    .filter(|b| *b == binding)
                    .count();
                match same {
                    1 => return Err(format!("binding {i} is not declared")),
                    _ => continue,
                }
            };
            let write = StorageAccess::LOAD | StorageAccess::STORE;
            let fits = match (binding, variable.space) {
                (Binding::Read(_), AddressSpace::Storage { access }) => {
                    access == StorageAccess::LOAD
                }
                (Binding::Write(_), AddressSpace::Storage { access }) => access == write,
                (Binding::Uniform(words), AddressSpace::Uniform) => {
                    let size = module.types[variable.ty].inner.size(module.to_ctx());
                    size as usize == words.len() * 4
                }
                _ => false,
            };
            if !fits {
                return Err(format!(
                    "binding {i} is {binding:?}, declared as {variable:?}"
                ));
            }
        }
        match declared.is_empty() {
            true => Ok(()),
            false => Err(format!("bound to nothing: {:?}", declared.keys())),
        }
    });
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the files in a folder of shaders, relative to the project's root.
fn files(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).expect("the folder exists");
    let path = |e: std::io::Result<std::fs::DirEntry>| e.expect("a readable entry").path();
    let wgsl = |p: &PathBuf| p.extension().is_some_and(|e| e == "wgsl");
    let name = |p: PathBuf| {
        format!(
            "{folder}/{}",
            p.file_name().unwrap_or_default().to_string_lossy()
        )
    };
    let mut files: Vec<String> = entries.map(path).filter(wgsl).map(name).collect();
    files.sort();
    files
}

#[test]
fn every_shader_file_is_used() {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for sample in samples() {
        used.extend(sample.kernel.parts.iter().map(|p| p.file));
    }
    let all = files("shaders").into_iter().chain(files("shaders/lib"));
    let unused: Vec<String> = all.filter(|f| !used.contains(f.as_str())).collect();
    assert!(unused.is_empty(), "no op uses {unused:?}");
}

#[test]
fn headers_say_what_the_files_do() {
    // One module of each file, by file.
    let mut modules: HashMap<&str, &Sample> = HashMap::new();
    for sample in samples() {
        for part in &sample.kernel.parts {
            modules.entry(part.file).or_insert(sample);
        }
    }
    let mut complaints = Vec::new();
    for file in files("shaders") {
        let Some(sample) = modules.get(file.as_str()) else {
            continue;
        };
        if let Err(e) = check_header(&file, &sample.kernel) {
            complaints.push(format!("{file}: {e}"));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn libraries_begin_with_a_comment() {
    for file in files("shaders/lib") {
        let text = std::fs::read_to_string(root().join(&file)).expect("a readable file");
        assert!(text.starts_with("// "), "{file} does not say what it is");
    }
}

/// The six lines at the top of a shader.
struct Header {
    bindings: String,
    workgroup: String,
    overrides: String,
    reference: String,
}

fn read_header(file: &str) -> Result<Header, String> {
    let text = std::fs::read_to_string(root().join(file)).map_err(|e| e.to_string())?;
    let stem = Path::new(file)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let mut lines = text.lines();
    let mut line = |title: &str| {
        let line = lines.next().unwrap_or_default();
        let rest = line.strip_prefix("// ").and_then(|l| l.strip_prefix(title));
        rest.map(|r| r.trim().to_string())
            .ok_or(format!("no line \"// {title}\", but {line:?}"))
    };
    let formula = line(&format!("{stem}:"))?;
    if formula.is_empty() {
        return Err("the formula is missing".to_string());
    }
    line("Shapes ")?;
    Ok(Header {
        bindings: line("Bindings ")?,
        workgroup: line("Workgroup ")?,
        overrides: line("Overrides ")?,
        reference: line("Reference ")?,
    })
}

fn check_header(file: &str, kernel: &Kernel) -> Result<(), String> {
    let header = read_header(file)?;
    if !root().join(&header.reference).is_file() {
        return Err(format!("there is no {}", header.reference));
    }
    let (module, _) = validated(&kernel.text())?;
    check_bindings(&header.bindings, &module)?;
    check_overrides(&header.overrides, &module)?;
    let workgroup = header
        .workgroup
        .split_inclusive(']')
        .next()
        .unwrap_or_default()
        .to_string();
    let actual = workgroup_size(&module);
    match workgroup == actual {
        true => Ok(()),
        false => Err(format!("the workgroup is {actual}, not {workgroup}")),
    }
}

/// Checks `0 read x | 1 read_write y | 2 uniform Params`, and further bindings of other parts.
fn check_bindings(header: &str, module: &Module) -> Result<(), String> {
    let mut actual = BTreeMap::new();
    for (_, variable) in module.global_variables.iter() {
        let Some(binding) = &variable.binding else {
            continue;
        };
        let name = variable.name.clone().unwrap_or_default();
        let ty = module.types[variable.ty].name.clone().unwrap_or_default();
        let text = match variable.space {
            AddressSpace::Storage { access } if access == StorageAccess::LOAD => {
                format!("read {name}")
            }
            AddressSpace::Storage { .. } => format!("read_write {name}"),
            _ => format!("uniform {ty}"),
        };
        actual.insert(binding.binding, text);
    }
    let mut others = false;
    for item in header.split('|').map(str::trim) {
        let (number, what) = item.split_once(' ').unwrap_or((item, ""));
        match number.parse::<u32>() {
            Ok(number) if !what.starts_with("and on") => {
                let found = actual.remove(&number);
                if found.as_deref() != Some(what) {
                    return Err(format!("binding {number} is {found:?}, not {what:?}"));
                }
            }
            _ => others = true,
        }
    }
    let generated = |text: &String| {
        ["prologue", "epilogue", "Prologue", "Epilogue", "Views"]
            .iter()
            .any(|part| text.contains(part))
    };
    match actual.values().find(|text| !(others && generated(text))) {
        Some(text) => Err(format!("{text} is not in the header")),
        None => Ok(()),
    }
}

/// Checks `WG = 64 (power of two) | TILE = 8`, or `none`.
fn check_overrides(header: &str, module: &Module) -> Result<(), String> {
    let mut actual = BTreeMap::new();
    // Overrides without a name are sizes computed from the others.
    for (_, o) in module.overrides.iter().filter(|(_, o)| o.name.is_some()) {
        let default = o.init.map(|init| match module.global_expressions[init] {
            naga::Expression::Literal(naga::Literal::U32(n)) => n.to_string(),
            ref other => format!("{other:?}"),
        });
        actual.insert(
            o.name.clone().unwrap_or_default(),
            default.unwrap_or_default(),
        );
    }
    for item in header.split('|').map(str::trim).filter(|i| *i != "none") {
        let item = item.split('(').next().unwrap_or_default();
        let (name, value) = item.split_once('=').unwrap_or((item, ""));
        let found = actual.remove(name.trim());
        if found.as_deref() != Some(value.trim()) {
            return Err(format!(
                "override {} is {found:?}, not {}",
                name.trim(),
                value.trim()
            ));
        }
    }
    match actual.keys().next() {
        Some(name) => Err(format!("override {name} is not in the header")),
        None => Ok(()),
    }
}

/// Returns the workgroup size as `[WG, 1, 1]`.
fn workgroup_size(module: &Module) -> String {
    let entry = &module.entry_points[0];
    let axis = |i: usize| {
        let expression = entry.workgroup_size_overrides.and_then(|o| o[i]);
        match expression.map(|e| &module.global_expressions[e]) {
            Some(naga::Expression::Override(o)) => {
                module.overrides[*o].name.clone().unwrap_or_default()
            }
            Some(other) => format!("{other:?}"),
            None => entry.workgroup_size[i].to_string(),
        }
    };
    format!("[{}, {}, {}]", axis(0), axis(1), axis(2))
}
