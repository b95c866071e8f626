//! import attention-tile
// For attention kernels whose left operand has a query row a line. A kernel that imports this declares the
// bindings `params` and `positions`.

var<private> unit: Unit;
// The query heads of the lane's four rows; NO_LINE where there is no row.
var<private> left: vec4<u32>;
// First column of the workgroup's tile.
var<private> corner_n: u32;

fn start_tile(corner: TileCorner, lane: u32) {
  unit = unit_of(params, corner.unit);
  left = heads_of(params, unit, corner.m + left_row(lane, false));
  corner_n = corner.n;
}

// Number of keys that some row of the tile sees. It is uniform, since positions are only read.
fn keys_seen_by_tile(corner: TileCorner) -> u32 {
  var most = 0u;
  // A line is a head and then a row.
  var row = corner.m % params.rows;
  for (var m = 0u; m < min(TILE, params.rows); m++) {
    most = max(most, positions[corner.batch * params.Tq + params.first_row + row]);
    row = select(row + 1u, 0u, row + 1u == params.rows);
  }
  return keys_seen(params, most);
}
