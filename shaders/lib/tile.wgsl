//! import lattice
// A tile of 32 x 32 lattice folds by a workgroup of 64. Lane l computes 4 x 4 of them: rows from l / 8 * 4 on
// and columns from l % 8 * 4 on. A kernel that imports this defines two functions that give operands on the
// lattice, +0 beyond their ends: left_at(product, i, k) for row i of the four that the lane loads (from
// left_row on), and right_at(product, k, n) for column n of the tile. They select instead of branching, which
// costs a software GPU more than reading. A third function, right_columns(), gives how many columns there are
// from the tile's first one on: without workgroup memory, a lane that has none does nothing.

const TILE = 32u;
// Whether operands go through workgroup memory. On a software GPU, reading them again costs less than a
// barrier.
const SHARED = 1u;
// Values of k in workgroup memory at a time. Small, because SwiftShader takes a second to compile the
// clearing of 4 KiB of workgroup memory.
const TILE_STEP = 8u;
const TILE_BLOCK = 64u;

//# if SHARED
// Laid out [k][m / 4] and [k][n / 4]; only whole vectors are written.
var<workgroup> left_tile: array<vec4<f32>, 64>;
var<workgroup> right_tile: array<vec4<f32>, 64>;
//# end

// Four rows of four neighbouring outputs.
struct Tile {
  r0: vec4<f32>,
  r1: vec4<f32>,
  r2: vec4<f32>,
  r3: vec4<f32>,
}

fn tile_add(a: Tile, b: Tile) -> Tile {
  return Tile(opaque4(a.r0 + b.r0), opaque4(a.r1 + b.r1), opaque4(a.r2 + b.r2), opaque4(a.r3 + b.r3));
}

// First of the four rows, counted from the tile's corner, that a lane loads.
fn left_row(lane: u32, left_down: bool) -> u32 {
//# if SHARED
  return select(lane / 8u, lane % 8u, left_down) * 4u;
//# else
  return lane / 8u * 4u;
//# end
}

// The fold block from `block` to `end`, summed in order from +0. Call it in uniform control flow only.
// `left_down` says that neighbours in memory of the left operand are neighbours along m, not k;
// `right_across` says the same of the right operand and n. They decide which lane loads which values.
fn tile_block(product: u32, block: u32, end: u32, lane: u32, left_down: bool, right_across: bool) -> Tile {
//# if SHARED
  let high = lane / 8u;
  let low = lane % 8u;
  let left_k = select(low, high, left_down);
  let left_m = left_row(lane, left_down);
  let right_k = select(low, high, right_across);
  let right_n = select(high, low, right_across) * 4u;
  var sums = Tile();
  for (var k0 = block; k0 < end; k0 += TILE_STEP) {
    let a = k0 + left_k;
    let b = k0 + right_k;
    var left = vec4<f32>();
    var right = vec4<f32>();
    if (a < end) {
      left = vec4<f32>(
        left_at(product, 0u, a),
        left_at(product, 1u, a),
        left_at(product, 2u, a),
        left_at(product, 3u, a),
      );
    }
    if (b < end) {
      right = vec4<f32>(
        right_at(product, b, right_n),
        right_at(product, b, right_n + 1u),
        right_at(product, b, right_n + 2u),
        right_at(product, b, right_n + 3u),
      );
    }
    left_tile[left_k * 8u + left_m / 4u] = left;
    right_tile[right_k * 8u + right_n / 4u] = right;
    workgroupBarrier();
    for (var k = 0u; k < min(TILE_STEP, end - k0); k++) {
      let x = left_tile[k * 8u + high];
      let y = right_tile[k * 8u + low];
      sums.r0 = lattice_step4(sums.r0, x.x, y);
      sums.r1 = lattice_step4(sums.r1, x.y, y);
      sums.r2 = lattice_step4(sums.r2, x.z, y);
      sums.r3 = lattice_step4(sums.r3, x.w, y);
    }
    workgroupBarrier();
  }
//# else
  let n = lane % 8u * 4u;
  var sums = Tile();
  let last = select(block, end, n < right_columns());
  for (var k = block; k < last; k++) {
    let y = vec4<f32>(
      right_at(product, k, n),
      right_at(product, k, n + 1u),
      right_at(product, k, n + 2u),
      right_at(product, k, n + 3u),
    );
    sums.r0 = lattice_step4(sums.r0, left_at(product, 0u, k), y);
    sums.r1 = lattice_step4(sums.r1, left_at(product, 1u, k), y);
    sums.r2 = lattice_step4(sums.r2, left_at(product, 2u, k), y);
    sums.r3 = lattice_step4(sums.r3, left_at(product, 3u, k), y);
  }
//# end
  return sums;
}

fn tile_row(tile: Tile, i: u32) -> vec4<f32> {
  return select(
    select(tile.r0, tile.r1, i == 1u),
    select(tile.r2, tile.r3, i == 3u),
    i >= 2u,
  );
}
