import { bytesMutator } from './bytes.ts';
import { jsonMutator } from './json.ts';
import type { Mutator } from './mutator.ts';

const PREFIX_BYTES = 8;

/**
 * Changes a safetensors file: the JSON of its header, with a length that fits, or its bytes. Tensors after
 * the header stay, or are cut or doubled.
 */
export function safetensorsMutator(dictionary: readonly string[] = []): Mutator {
  const words = ['F32', 'BF16', 'I64', 'data_offsets', 'shape', 'dtype', '__metadata__', ...dictionary];
  const json = jsonMutator(words);
  const bytes = bytesMutator(words);
  return {
    mutate(options) {
      const { draws, input, donor, maxBytes } = options;
      const parts = draws.chance(80) ? split(input) : undefined;
      if (parts === undefined) return bytes.mutate(options);
      const other = split(donor)?.header ?? new Uint8Array();
      const header = json.mutate({ ...options, input: parts.header, donor: other });
      const data = draws.chance(85) ? parts.data : bytes.mutate({ ...options, input: parts.data });
      const file = new Uint8Array(PREFIX_BYTES + header.length + data.length);
      new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
      file.set(header, PREFIX_BYTES);
      file.set(data, PREFIX_BYTES + header.length);
      return file.length > maxBytes ? input : file;
    },
  };
}

function split(file: Uint8Array): { readonly header: Uint8Array; readonly data: Uint8Array } | undefined {
  if (file.length < PREFIX_BYTES) return undefined;
  const length = Number(new DataView(file.buffer, file.byteOffset, PREFIX_BYTES).getBigUint64(0, true));
  if (PREFIX_BYTES + length > file.length) return undefined;
  return {
    header: file.subarray(PREFIX_BYTES, PREFIX_BYTES + length),
    data: file.subarray(PREFIX_BYTES + length),
  };
}
