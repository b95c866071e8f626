/**
 * The bytes of an ONNX model that holds one MatMul of two f32 inputs, `a` [M, K] and `b` [K, N], giving `c`
 * [M, N]. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export function matmulModel(M: number, N: number, K: number): Uint8Array {
  const node = [...text(1, 'a'), ...text(1, 'b'), ...text(2, 'c'), ...text(4, 'MatMul')];
  const graph = [
    ...bytes(1, node),
    ...text(2, 'matmul'),
    ...bytes(11, tensorInfo('a', [M, K])),
    ...bytes(11, tensorInfo('b', [K, N])),
    ...bytes(12, tensorInfo('c', [M, N])),
  ];
  const operatorSet = [...text(1, ''), ...integer(2, 13)];
  return Uint8Array.from([...integer(1, 8), ...bytes(7, graph), ...bytes(8, operatorSet)]);
}

const FLOAT = 1;

function tensorInfo(name: string, shape: readonly number[]): number[] {
  const dims = shape.flatMap((size) => bytes(1, integer(1, size)));
  const tensorType = [...integer(1, FLOAT), ...bytes(2, dims)];
  return [...text(1, name), ...bytes(2, bytes(1, tensorType))];
}

// Protocol buffers' wire format: a key (field number and wire type), then a varint or a length and that many
// bytes.

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...out, rest];
}

function integer(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function bytes(field: number, content: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(content.length), ...content];
}

function text(field: number, value: string): number[] {
  return bytes(field, [...new TextEncoder().encode(value)]);
}
