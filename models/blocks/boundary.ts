/**
 * What passes from block to block: activations and their gradients, [rows, width]. Rounding them for the wire
 * is an operator at the end of the hop that gives them. A transport that rounded would change the bits of a
 * run with the devices.
 */

import type { ProgramBuilder } from '../decoder/builder.ts';
import type { ParameterSpec } from '../decoder/config.ts';

/**
 * `f32`: as computed. `bf16`: rounded, in f32 words whose lower halves are 0 and need not be sent. `int8`:
 * bytes and a scale for each row, a quarter of the size.
 */
export type Boundary = 'f32' | 'bf16' | 'int8';

/** Rows of a microbatch, and the width of the residual stream. */
export interface BoundaryShape {
  readonly N: number;
  readonly D: number;
}

/** The tensors that stand for one at a boundary, each with what it adds to the name. */
export function boundaryParts(
  boundary: Boundary,
  { N, D }: BoundaryShape,
): readonly (ParameterSpec & { readonly dtype: 'f32' | 'u32' })[] {
  if (boundary !== 'int8') return [{ name: '', shape: [N, D], dtype: 'f32' }];
  return [
    { name: '.bytes', shape: [N, D / 4], dtype: 'u32' },
    { name: '.scale', shape: [N], dtype: 'f32' },
  ];
}

/** Binds what comes in under `name`, and returns the name of its f32 values. */
export function emitArrival(
  b: ProgramBuilder,
  name: string,
  boundary: Boundary,
  { N, D }: BoundaryShape,
): string {
  const parts = boundaryParts(boundary, { N, D }).map((part) =>
    b.bound(`${name}${part.name}`, part.shape, part.dtype),
  );
  if (boundary !== 'int8') return name;
  const values = b.temporary(name, [N, D]);
  b.node('dequant.int8', { N, D }, parts, [values]);
  return values;
}

/**
 * Binds what goes out under `name`. `emit` computes it: into the tensor that it is given, or, if it is given
 * none, into one whose name it returns.
 */
export function emitDeparture(
  b: ProgramBuilder,
  name: string,
  boundary: Boundary,
  { N, D }: BoundaryShape,
  emit: (into: string | undefined) => string,
): void {
  const parts = boundaryParts(boundary, { N, D }).map((part) =>
    b.bound(`${name}${part.name}`, part.shape, part.dtype),
  );
  if (boundary === 'f32') {
    emit(name);
    return;
  }
  const values = emit(undefined);
  if (boundary === 'bf16') b.node('round.bf16', { len: N * D }, [values], parts);
  else b.node('quant.int8', { N, D }, [values], parts);
}
