//! import attention-tile
//! import workgroups
// dv and dk of a tile of keys. For each head of the group, ascending, there is a lattice fold over every
// query row (a masked row weighs +0 and keeps its place) of P * dout, and one of dS * q, times scale; the
// results of the heads are added in order. `scores` holds the dS and, after them, the P, of every row and of
// `keys` keys, on the lattice, and +0 for keys that the row does not see. A long fold is cut into several
// dispatches, each with some heads of the group or some rows of one head. A dispatch continues from the sums
// of the heads before, in dk and dv, and from the sums of the rows before, in `totals`.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> dout: array<f32>;
@group(0) @binding(4) var<storage, read> positions: array<u32>;
@group(0) @binding(5) var<storage, read_write> dk: array<f32>;
@group(0) @binding(6) var<storage, read_write> dv: array<f32>;
// [workgroup, lane, row of dk's tile and then of dv's].
@group(0) @binding(7) var<storage, read_write> totals: array<vec4<f32>>;

var<private> unit: Unit;
// First score of the head that is folded, and first element of its vector in row 0.
var<private> head_scores: u32;
var<private> head_vector: u32;
// First key and first column of the workgroup's tile.
var<private> corner_m: u32;
var<private> corner_n: u32;
// First of the four keys that the lane loads, and the distance from the dS to the P.
var<private> left_key: u32;
var<private> weights_after: u32;

fn left_at(product: u32, m: u32, i: u32) -> f32 {
  let key = left_key + m;
  let exists = key < params.keys;
  let at = head_scores + product * weights_after + i * params.keys + key;
  return select(0.0, scores[select(0u, at, exists)], exists);
}

fn right_columns() -> u32 {
  return params.head_dim - corner_n;
}

fn right_at(product: u32, i: u32, n: u32) -> f32 {
  let exists = corner_n + n < params.head_dim;
  let at = select(0u, head_vector + i * params.heads * params.head_dim + corner_n + n, exists);
  if (product == 0u) {
    return select(0.0, lattice(q[at]), exists);
  }
  return select(0.0, lattice(dout[at]), exists);
}

// Whether some query row of a fold block sees key `first`, the tile's first. It is uniform, since positions
// are only read.
fn block_sees(b: u32, block: u32, end: u32, first: u32) -> bool {
  var most = 0u;
  for (var i = block; i < end; i++) {
    most = max(most, positions[b * params.Tq + i]);
  }
  return most >= first;
}

// add(sum, mul(canon(x), factor)) of each component.
fn add_scaled4(sum: vec4<f32>, x: vec4<f32>, factor: f32) -> vec4<f32> {
  return vec4<f32>(
    add(sum.x, mul(canon(x.x), factor)),
    add(sum.y, mul(canon(x.y), factor)),
    add(sum.z, mul(canon(x.z), factor)),
    add(sum.w, mul(canon(x.w), factor)),
  );
}

fn add_scaled(sum: Tile, x: Tile, factor: f32) -> Tile {
  return Tile(
    add_scaled4(sum.r0, x.r0, factor),
    add_scaled4(sum.r1, x.r1, factor),
    add_scaled4(sum.r2, x.r2, factor),
    add_scaled4(sum.r3, x.r3, factor),
  );
}

// Where a row of a lane's outputs begins in dk and dv, and how many of its four columns exist.
struct OutputRow {
  at: u32,
  columns: u32,
}

fn output_row(i: u32, lane: u32) -> OutputRow {
  let key = corner_m + lane / 8u * 4u + i;
  let n = corner_n + lane % 8u * 4u;
  let at = unit.first_key + (params.first_key + key) * unit.key_stride + n;
  return OutputRow(at, select(min(params.head_dim - min(n, params.head_dim), 4u), 0u, key >= params.keys));
}

fn stored_dk(row: OutputRow) -> vec4<f32> {
  var values = vec4<f32>();
  for (var j = 0u; j < row.columns; j++) {
    values[j] = dk[row.at + j];
  }
  return values;
}

fn stored_dv(row: OutputRow) -> vec4<f32> {
  var values = vec4<f32>();
  for (var j = 0u; j < row.columns; j++) {
    values[j] = dv[row.at + j];
  }
  return values;
}

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let number = workgroup_number(group, groups);
  let corner = tile_corner(params, number, params.keys, params.head_dim);
  if (corner.unit >= params.units) {
    return;
  }
  unit = unit_of(params, corner.unit);
  corner_m = corner.m;
  left_key = corner_m + left_row(lane, true);
  weights_after = params.units * unit.group_heads * params.Tq * params.keys;
  corner_n = corner.n;
  let last_row = params.first_row + params.rows;
  var dk_sum = Tile();
  var dv_sum = Tile();
  if (params.first_head > 0u) {
//# for i in 4
    dk_sum.r$i = stored_dk(output_row($iu, lane));
    dv_sum.r$i = stored_dv(output_row($iu, lane));
//# end
  }
  for (var h = params.first_head; h < params.first_head + params.head_count; h++) {
    head_scores = (corner.unit * unit.group_heads + h) * params.Tq * params.keys;
    head_vector = (unit.b * params.Tq * params.heads + unit.head + h) * params.head_dim;
    var dk_total = Tile();
    var dv_total = Tile();
    let own_totals = (number * 64u + lane) * 8u;
    if (params.first_row > 0u) {
//# for i in 4
      dk_total.r$i = totals[own_totals + $iu];
      dv_total.r$i = totals[own_totals + 4u + $iu];
//# end
    }
    for (var block = params.first_row; block < last_row; block += TILE_BLOCK) {
      let end = min(block + TILE_BLOCK, last_row);
      if (block_sees(corner.batch, block, end, params.first_key + corner.m)) {
        dk_total = tile_add(dk_total, tile_block(0u, block, end, lane, true, true));
        dv_total = tile_add(dv_total, tile_block(1u, block, end, lane, true, true));
      }
    }
    if (last_row < params.Tq) {
//# for i in 4
      totals[own_totals + $iu] = dk_total.r$i;
      totals[own_totals + 4u + $iu] = dv_total.r$i;
//# end
      return;
    }
    dk_sum = add_scaled(dk_sum, dk_total, params.scale);
    dv_sum = add_scaled(dv_sum, dv_total, 1.0);
  }
  for (var i = 0u; i < 4u; i++) {
    let row = output_row(i, lane);
    let dk4 = tile_row(dk_sum, i);
    let dv4 = tile_row(dv_sum, i);
    for (var j = 0u; j < row.columns; j++) {
      dk[row.at + j] = dk4[j];
      dv[row.at + j] = dv4[j];
    }
  }
}
