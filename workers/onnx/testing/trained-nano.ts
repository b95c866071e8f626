import { readFileSync } from 'node:fs';
import { loadModel } from '../../model/load.ts';
import type { TestModel } from './models.ts';

/** The published nano model. */
export function trainedNano(): TestModel {
  const file = (name: string) =>
    new Uint8Array(readFileSync(new URL(`../../../public/models/nano/${name}`, import.meta.url)));
  const { config, parameters } = loadModel({
    'config.json': file('config.json'),
    'model.safetensors': file('model.safetensors'),
    'tokenizer.json': file('tokenizer.json'),
  });
  return { config, parameters };
}
