//! import functions
//! import grid
// Top-k and top-p by thresholds on z = mul(x, scale), found bit by bit among the places of all f32 from the lowest up; a
// workgroup a row. What is left out becomes the lowest finite value.

struct Params {
  zero: u32,
  N: u32,
  V: u32,
  blocks: u32,
  top_k: u32,
  top_p: f32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> terms: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

const LANES = 256u;
const CHUNK = 64u;

var<workgroup> top: atomic<u32>;
var<workgroup> count: atomic<u32>;
var<workgroup> whole: f32;
var<workgroup> chunk: array<f32, CHUNK>;

fn key_of(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  return select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
}

fn value_of(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key ^ 0x80000000u, key >> 31u == 1u));
}

// How many elements reach `key`. Uniform control flow, the same for every lane.
fn count_from(key: u32, row: u32, lane: u32) -> u32 {
  if (lane == 0u) {
    atomicStore(&count, 0u);
  }
  workgroupBarrier();
  var mine = 0u;
  for (var v = lane; v < params.V; v += LANES) {
    mine += select(0u, 1u, key_of(out[row * params.V + v]) >= key);
  }
  atomicAdd(&count, mine);
  workgroupBarrier();
  let all = atomicLoad(&count);
  workgroupBarrier();
  return all;
}

// The fold of the terms of the elements that reach `key`. Uniform control flow, the same for every lane.
fn mass_from(key: u32, row: u32, lane: u32) -> f32 {
  let base = row * params.blocks;
  for (var block = lane; block < params.blocks; block += LANES) {
    var sum = 0.0;
    for (var v = block * 64u; v < min(block * 64u + 64u, params.V); v++) {
      let at = row * params.V + v;
      sum = add(sum, select(0.0, terms[at], key_of(out[at]) >= key));
    }
    partials[base + block] = sum;
  }
  storageBarrier();
  workgroupBarrier();
  var total = 0.0;
  for (var first = 0u; first < params.blocks; first += CHUNK) {
    let length = min(CHUNK, params.blocks - first);
    if (lane < length) {
      chunk[lane] = partials[base + first + lane];
    }
    workgroupBarrier();
    if (lane == 0u) {
      for (var i = 0u; i < length; i++) {
        total = add(total, chunk[i]);
      }
      whole = total;
    }
    workgroupBarrier();
  }
  let all = whole;
  storageBarrier();
  workgroupBarrier();
  return all;
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let row = group_number(group, groups);
  if (row >= params.N) {
    return;
  }
  let base = row * params.V;
  if (lane == 0u) {
    atomicStore(&top, 0u);
  }
  workgroupBarrier();
  var largest = 0u;
  for (var v = lane; v < params.V; v += LANES) {
    let z = mul(logits[base + v], params.scale);
    out[base + v] = z;
    largest = max(largest, key_of(z));
  }
  atomicMax(&top, largest);
  storageBarrier();
  workgroupBarrier();
  let m = value_of(atomicLoad(&top));
  // The largest key that enough elements reach. No f32 but NaN lies above 0xff7fffff, so the first tries fail by themselves.
  var least = 0u;
  if (params.top_k > 0u) {
    for (var bit = 0x80000000u; bit > 0u; bit >>= 1u) {
      let tried = least | bit;
      least = select(least, tried, count_from(tried, row, lane) >= params.top_k);
    }
  }
  if (params.top_p < 1.0) {
    for (var v = lane; v < params.V; v += LANES) {
      terms[base + v] = exp_canonical(sub(out[base + v], m));
    }
    storageBarrier();
    workgroupBarrier();
    let wanted = mul(params.top_p, mass_from(least, row, lane));
    var found = 0u;
    for (var bit = 0x80000000u; bit > 0u; bit >>= 1u) {
      let tried = found | bit;
      found = select(found, tried, mass_from(max(tried, least), row, lane) >= wanted);
    }
    least = max(found, least);
  }
  for (var v = lane; v < params.V; v += LANES) {
    let z = out[base + v];
    out[base + v] = select(bitcast<f32>(0xff7fffffu), z, key_of(z) >= least);
  }
}
