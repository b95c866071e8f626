import type { LoadedModel } from '../nano-files.ts';
import { type BaseOptions, nanoShaped, pretrainBase } from './sapo-base.ts';
import type { StoredParts } from './stored-parts.ts';

/** The start model of a run, from the stored parts or else pretrained and stored. */
export async function storedBase(
  parts: StoredParts,
  { engine, run, level }: Omit<BaseOptions, 'steps'>,
): Promise<LoadedModel> {
  const stored = await parts.part(`base ${run} ${level}`, { level }, async () => {
    const tensors = await pretrainBase({ engine, run, level });
    return [...tensors].map(([name, data]): [string, string] => [name, base64Of(data)]);
  });
  return nanoShaped(new Map(stored.map(([name, text]) => [name, floatsOf(text)])));
}

function base64Of({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

function floatsOf(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}
