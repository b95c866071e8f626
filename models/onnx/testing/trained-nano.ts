import { readFileSync } from 'node:fs';
import { loadModel } from '../../decoder/load.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { TestModel } from './models.ts';

/** The published nano model. */
export function trainedNano(): TestModel & { readonly tokenizer: Tokenizer } {
  const file = (name: string) =>
    new Uint8Array(readFileSync(new URL(`../../../public/models/nano/${name}`, import.meta.url)));
  const { config, parameters, tokenizer } = loadModel({
    'config.json': file('config.json'),
    'model.safetensors': file('model.safetensors'),
    'tokenizer.json': file('tokenizer.json'),
  });
  return { config, parameters, tokenizer };
}
