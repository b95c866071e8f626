/** `npm run export`: writes the model of a checkpoint or a model folder as an .onnx file. */
import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../protocol/message-of.ts';
import { decodeCheckpoint } from '../decoder/checkpoint.ts';
import { type DecoderConfig, parameterSpecs } from '../decoder/config.ts';
import { loadModel } from '../decoder/load.ts';
import { mergedWeights } from '../decoder/lora/merge.ts';
import { readPeft } from '../decoder/lora/peft.ts';
import type { NamedTensors } from '../decoder/state.ts';
import { memoryWeights } from '../decoder/weights.ts';
import type { Arithmetic, DecoderGraphOptions } from './decoder-graph.ts';
import { exportDecoder } from './export-decoder.ts';

export const EXPORT_HELP = `npm run export -- (--checkpoint FILE | --model DIR) --out FILE [options]

Writes a model as an ONNX file with a key/value cache, for onnxruntime, transformers.js and their like.

  --checkpoint FILE  a checkpoint of a run
  --model DIR        a folder with config.json, model.safetensors and tokenizer.json
  --adapter DIR      a folder with PEFT's adapter_model.safetensors and adapter_config.json, merged into the weights
  --out FILE         the file to write, e.g. model.onnx
  --operands KIND    f32 (default), or bf16: round both operands of each product as training does
  --json             print one line of JSON`;

/** The command line, or a file that it names, is not usable. The message tells the remedy. */
export class ExportCommandError extends Error {
  override readonly name = 'ExportCommandError';
}

export interface Exported {
  readonly out: string;
  readonly bytes: number;
  /** Lower-case hex. A judge's pin has it as well. */
  readonly sha256: string;
  readonly arithmetic: Arithmetic;
}

export interface ExportFlags {
  readonly source: { readonly checkpoint: string } | { readonly model: string };
  /** Folder of an adapter to merge into the weights. Defaults to none. */
  readonly adapter?: string;
  readonly out: string;
  readonly arithmetic: Arithmetic;
  readonly json: boolean;
}

/** Reads a command line. Returns 'help' for --help. Throws ExportCommandError when it is not usable. */
export function parseExportFlags(args: readonly string[]): ExportFlags | 'help' {
  const values = (() => {
    try {
      return parseArgs({
        args: [...args],
        options: {
          checkpoint: { type: 'string' },
          model: { type: 'string' },
          adapter: { type: 'string' },
          out: { type: 'string' },
          operands: { type: 'string', default: 'f32' },
          json: { type: 'boolean', default: false },
          help: { type: 'boolean', short: 'h', default: false },
        },
      }).values;
    } catch (error) {
      throw new ExportCommandError(`${messageOf(error)}\n\n${EXPORT_HELP}`);
    }
  })();
  if (values.help) return 'help';
  const { checkpoint, model, adapter, out, operands } = values;
  if (out === undefined) throw new ExportCommandError(`--out is missing.\n\n${EXPORT_HELP}`);
  if (operands !== 'f32' && operands !== 'bf16') {
    throw new ExportCommandError(`--operands must be f32 or bf16, got ${operands}.`);
  }
  if ((checkpoint === undefined) === (model === undefined)) {
    throw new ExportCommandError(`Give either --checkpoint or --model.\n\n${EXPORT_HELP}`);
  }
  return {
    source: checkpoint === undefined ? { model: model ?? '' } : { checkpoint },
    adapter,
    out,
    arithmetic: operands === 'f32' ? 'f32' : 'bf16-operands',
    json: values.json,
  };
}

/**
 * Exports a model to a file, which appears only when it is whole. Throws ExportCommandError for a file that
 * cannot be read or written, and what `decodeCheckpoint`, `loadModel`, `readPeft` and `exportDecoder` throw.
 */
export async function exportToFile(flags: ExportFlags): Promise<Exported> {
  const { out, arithmetic } = flags;
  const { config, parameters } = await readModel(flags.source);
  const merged = flags.adapter === undefined ? parameters : await merge(config, parameters, flags.adapter);
  const parts = exportDecoder({ config, parameters: merged, arithmetic });
  const hash = createHash('sha256');
  let bytes = 0;
  const partial = `${out}.partial`;
  try {
    const file = await open(partial, 'w');
    try {
      for (const part of parts) {
        hash.update(part);
        bytes += part.length;
        await file.writeFile(part);
      }
    } finally {
      await file.close();
    }
    await rename(partial, out);
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw new ExportCommandError(`${out} cannot be written (${reason(cause)}); choose another --out.`, {
      cause,
    });
  }
  return { out, bytes, sha256: hash.digest('hex'), arithmetic };
}

async function readModel(
  source: ExportFlags['source'],
): Promise<Pick<DecoderGraphOptions, 'config' | 'parameters'>> {
  if ('checkpoint' in source) {
    const { config, state } = decodeCheckpoint(await bytesOf(source.checkpoint, '--checkpoint'));
    return { config, parameters: state.parameters };
  }
  const file = (name: string) => bytesOf(join(source.model, name), '--model');
  const { config, parameters } = loadModel({
    'config.json': await file('config.json'),
    'model.safetensors': await file('model.safetensors'),
    'tokenizer.json': await file('tokenizer.json'),
  });
  return { config, parameters };
}

/** The parameters with an adapter merged into them. */
async function merge(config: DecoderConfig, parameters: NamedTensors, folder: string): Promise<NamedTensors> {
  const file = (name: string) => bytesOf(join(folder, name), '--adapter');
  const { lora, adapters } = readPeft(config, {
    'adapter_model.safetensors': await file('adapter_model.safetensors'),
    'adapter_config.json': await file('adapter_config.json'),
  });
  const weights = mergedWeights(config, memoryWeights(parameters), lora, adapters);
  const merged = new Map<string, Float32Array>();
  for (const { name } of parameterSpecs(config)) merged.set(name, await weights.float32(name));
  return merged;
}

async function bytesOf(path: string, flag: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new ExportCommandError(`${path} cannot be read (${reason(cause)}); check ${flag}.`, { cause });
  }
}

function reason(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  return code === 'ENOENT' ? 'there is no such file' : code;
}
