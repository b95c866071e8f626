/** Where a short run of the published nano model begins. */
import { readFileSync } from 'node:fs';
import type { Checkpoint } from '../../models/decoder/checkpoint.ts';
import { freshState } from '../../models/decoder/state.ts';
import { readModel } from '../../training/nano-files.ts';

const folder = new URL('../../public/models/nano/', import.meta.url);

/** The nano model with a fresh optimizer. */
export function nanoStart(): Checkpoint {
  const file = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
  const { config, parameters } = readModel({
    'model.safetensors': file('model.safetensors'),
    'config.json': file('config.json'),
    'tokenizer.json': file('tokenizer.json'),
  });
  return { config, state: freshState(config, parameters), cursor: 0, rngKey: '0x5374617261726c69' };
}
