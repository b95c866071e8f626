//! import attention
//! import tile
//! import grid
// dv and dk of a tile of keys: for each head of the group ascending, lattice folds over every query row (masked rows weigh +0
// and keep their place) of P * dout, and of dS * q times scale; the heads' results added in order. scores holds the dS and,
// after them, the P of every row and of `keys` keys. Long folds go over several dispatches, each with some heads of the group or
// some rows of one head: they go on from the sums of the heads before, in dk and dv, and from `totals` of the rows before.

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
// First score of the head of the unit that is summed, and first element of its vector in row 0.
var<private> head_scores: u32;
var<private> head_vector: u32;
var<private> corner_m: u32;
var<private> corner_n: u32;
// First of the keys that the lane brings, and the distance from the dS to the P.
var<private> left_key: u32;
var<private> weights_after: u32;

fn left_at(product: u32, m: u32, i: u32) -> f32 {
  let key = left_key + m;
  if (key >= params.keys || params.first_key + key > positions[unit.b * params.Tq + i]) {
    return 0.0;
  }
  return lattice(scores[head_scores + product * weights_after + i * params.keys + key]);
}

fn right_at(product: u32, i: u32, n: u32) -> f32 {
  if (corner_n + n >= params.head_dim) {
    return 0.0;
  }
  let at = head_vector + i * params.heads * params.head_dim + corner_n + n;
  if (product == 0u) {
    return lattice(q[at]);
  }
  return lattice(dout[at]);
}

// Whether some query row of a fold block sees key `first` of the tile: uniform, since positions are only read.
fn block_sees(b: u32, block: u32, end: u32, first: u32) -> bool {
  var most = 0u;
  for (var i = block; i < end; i++) {
    most = max(most, positions[b * params.Tq + i]);
  }
  return most >= first;
}

// add(sum, mul(canon(x), factor)) of each.
fn gathered(sum: vec4<f32>, x: vec4<f32>, factor: f32) -> vec4<f32> {
  return vec4<f32>(
    add(sum.x, mul(canon(x.x), factor)),
    add(sum.y, mul(canon(x.y), factor)),
    add(sum.z, mul(canon(x.z), factor)),
    add(sum.w, mul(canon(x.w), factor)),
  );
}

fn gather(sum: Tile, x: Tile, factor: f32) -> Tile {
  return Tile(
    gathered(sum.r0, x.r0, factor),
    gathered(sum.r1, x.r1, factor),
    gathered(sum.r2, x.r2, factor),
    gathered(sum.r3, x.r3, factor),
  );
}

// Where row i of a lane's outputs begins in dk and dv, and how many of its columns there are.
struct Place {
  at: u32,
  columns: u32,
}

fn place_of(i: u32, lane: u32) -> Place {
  let key = corner_m + lane / 8u * 4u + i;
  let n = corner_n + lane % 8u * 4u;
  let at = unit.first_key + (params.first_key + key) * unit.key_stride + n;
  return Place(at, select(min(params.head_dim - min(n, params.head_dim), 4u), 0u, key >= params.keys));
}

fn stored_dk(place: Place) -> vec4<f32> {
  var row = vec4<f32>();
  for (var j = 0u; j < place.columns; j++) {
    row[j] = dk[place.at + j];
  }
  return row;
}

fn stored_dv(place: Place) -> vec4<f32> {
  var row = vec4<f32>();
  for (var j = 0u; j < place.columns; j++) {
    row[j] = dv[place.at + j];
  }
  return row;
}

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let tiles_n = (params.head_dim + TILE - 1u) / TILE;
  let tiles_m = (params.keys + TILE - 1u) / TILE;
  let number = group_number(group, groups);
  if (number >= tiles_n * tiles_m * params.units) {
    return;
  }
  let unit_number = number / (tiles_n * tiles_m);
  let b = (params.first_unit + unit_number) / params.kv_heads;
  let first = params.first_key + number / tiles_n % tiles_m * TILE;
  unit = unit_of(params, unit_number);
  corner_m = number / tiles_n % tiles_m * TILE;
  left_key = corner_m + left_row(lane, true);
  weights_after = params.units * unit.group_heads * params.Tq * params.keys;
  corner_n = number % tiles_n * TILE;
  let last_row = params.first_row + params.rows;
  var dk_sum = Tile();
  var dv_sum = Tile();
  if (params.first_head > 0u) {
//# for i in 4
    dk_sum.r$i = stored_dk(place_of($iu, lane));
    dv_sum.r$i = stored_dv(place_of($iu, lane));
//# end
  }
  for (var h = params.first_head; h < params.first_head + params.some_heads; h++) {
    head_scores = (unit_number * unit.group_heads + h) * params.Tq * params.keys;
    head_vector = (unit.b * params.Tq * params.heads + unit.head + h) * params.head_dim;
    var dk_total = Tile();
    var dv_total = Tile();
    let kept = (number * 64u + lane) * 8u;
    if (params.first_row > 0u) {
//# for i in 4
      dk_total.r$i = totals[kept + $iu];
      dv_total.r$i = totals[kept + 4u + $iu];
//# end
    }
    for (var block = params.first_row; block < last_row; block += TILE_BLOCK) {
      let end = min(block + TILE_BLOCK, last_row);
      if (block_sees(b, block, end, first)) {
        dk_total = tile_add(dk_total, tile_block(0u, block, end, lane, true, true));
        dv_total = tile_add(dv_total, tile_block(1u, block, end, lane, true, true));
      }
    }
    if (last_row < params.Tq) {
//# for i in 4
      totals[kept + $iu] = dk_total.r$i;
      totals[kept + 4u + $iu] = dv_total.r$i;
//# end
      return;
    }
    dk_sum = gather(dk_sum, dk_total, params.scale);
    dv_sum = gather(dv_sum, dv_total, 1.0);
  }
  for (var i = 0u; i < 4u; i++) {
    let place = place_of(i, lane);
    let dk4 = tile_row(dk_sum, i);
    let dv4 = tile_row(dv_sum, i);
    for (var j = 0u; j < place.columns; j++) {
      dk[place.at + j] = dk4[j];
      dv[place.at + j] = dv4[j];
    }
  }
}
