/** What `npm run export` does: a checkpoint or a model folder in, an .onnx file out. */
import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { decodeCheckpoint } from '../decoder/checkpoint.ts';
import { loadModel } from '../decoder/load.ts';
import type { Arithmetic, DecoderGraphOptions } from './decoder-graph.ts';
import { exportDecoder } from './export-decoder.ts';

export const EXPORT_HELP = `npm run export -- (--checkpoint FILE | --model DIR) --out FILE [options]

Writes a model as an ONNX file with a key/value cache, for onnxruntime, transformers.js and their like.

  --checkpoint FILE  a checkpoint of a run
  --model DIR        a folder with config.json, model.safetensors and tokenizer.json
  --out FILE         the file to write, e.g. model.onnx
  --operands KIND    f32 (default), or bf16: round both operands of each product as training does
  --json             print one line of JSON`;

/** The command line, or a file that it names, is not usable; the message says what to do. */
export class ExportCommandError extends Error {
  override readonly name = 'ExportCommandError';
}

export interface Exported {
  readonly out: string;
  readonly bytes: number;
  /** Lower-case hex, for a judge's pin. */
  readonly sha256: string;
  readonly arithmetic: Arithmetic;
}

export interface ExportFlags {
  readonly source: { readonly checkpoint: string } | { readonly model: string };
  readonly out: string;
  readonly arithmetic: Arithmetic;
  readonly json: boolean;
}

/** Reads a command line; 'help' when it asks for help. Throws ExportCommandError for one that does not say what to do. */
export function parseExportFlags(args: readonly string[]): ExportFlags | 'help' {
  const values = (() => {
    try {
      return parseArgs({
        args: [...args],
        options: {
          checkpoint: { type: 'string' },
          model: { type: 'string' },
          out: { type: 'string' },
          operands: { type: 'string', default: 'f32' },
          json: { type: 'boolean', default: false },
          help: { type: 'boolean', short: 'h', default: false },
        },
      }).values;
    } catch (error) {
      throw new ExportCommandError(`${error instanceof Error ? error.message : error}\n\n${EXPORT_HELP}`);
    }
  })();
  if (values.help) return 'help';
  const { checkpoint, model, out, operands } = values;
  if (out === undefined) throw new ExportCommandError(`--out is missing.\n\n${EXPORT_HELP}`);
  if (operands !== 'f32' && operands !== 'bf16') {
    throw new ExportCommandError(`--operands must be f32 or bf16, got ${operands}.`);
  }
  if ((checkpoint === undefined) === (model === undefined)) {
    throw new ExportCommandError(`Give either --checkpoint or --model.\n\n${EXPORT_HELP}`);
  }
  return {
    source: checkpoint === undefined ? { model: model ?? '' } : { checkpoint },
    out,
    arithmetic: operands === 'f32' ? 'f32' : 'bf16-operands',
    json: values.json,
  };
}

/**
 * Exports and writes. The file appears only when it is whole. Throws ExportCommandError for a file that cannot be read or written,
 * and what `decodeCheckpoint`, `loadModel` and `exportDecoder` throw.
 */
export async function exportToFile(flags: ExportFlags): Promise<Exported> {
  const { out, arithmetic } = flags;
  const parts = exportDecoder({ ...(await readModel(flags.source)), arithmetic });
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
