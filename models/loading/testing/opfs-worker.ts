/**
 * A worker that opfs-file-store.test.ts drives: stores, downloads and models in the browser's private file
 * system.
 */
import { createWasmEngine } from '../../../compute/engines/wasm/engine.ts';
import { FrozenSession } from '../../decoder/frozen-session.ts';
import { serveCommands } from '../../testing/worker-commands.ts';
import { downloadModel } from '../download.ts';
import type { FileStore, StoredFile } from '../file-store.ts';
import { openModel } from '../open-model.ts';
import { openOpfsFileStore } from '../opfs-file-store.ts';
import { storeSource } from '../store-source.ts';

/** A call of a FileStore's method, or of a method of a file that an earlier call opened. */
export type StoreCall =
  | {
      readonly kind: 'store';
      readonly folder: string;
      readonly method: Exclude<keyof FileStore, 'description'>;
      readonly args: readonly unknown[];
    }
  | {
      readonly kind: 'file';
      readonly file: number;
      readonly method: keyof StoredFile;
      readonly args: readonly unknown[];
    };

type Method = (...args: readonly unknown[]) => Promise<unknown>;
const open = new Map<number, StoredFile>();

/** The method's result. An opened file is represented by a number. */
async function callStore(call: StoreCall): Promise<unknown> {
  if (call.kind === 'file') {
    const file = open.get(call.file);
    if (file === undefined) throw new Error(`No file ${call.file} is open.`);
    return (file[call.method] as Method)(...call.args);
  }
  const store = await openOpfsFileStore([call.folder]);
  const result = await (store[call.method] as Method)(...call.args);
  if (call.method !== 'open' || result === undefined) return result;
  open.set(open.size, result as StoredFile);
  return open.size - 1;
}

async function downloaded(baseUrl: string) {
  const store = await openOpfsFileStore(['loading-test']);
  return { store, ...(await downloadModel({ baseUrl, store, retries: 0 })) };
}

async function generate(baseUrl: string): Promise<unknown> {
  const { store, files } = await downloaded(baseUrl);
  const source = storeSource(
    store,
    files.map(({ name }) => name),
  );
  const { config, weights, tokenizer } = await openModel(source);
  const engine = await createWasmEngine();
  const session = await FrozenSession.create({ engine, config, weights });
  await source.close();
  const prompts = [tokenizer.encode('12+7=')];
  const [row] = await session.generate({
    prompts,
    maxNewTokens: 4,
    endToken: [],
    greedy: true,
    uniform: () => 0,
  });
  await engine.stop();
  return row;
}

async function perform(command: string, argument: unknown): Promise<unknown> {
  switch (command) {
    case 'ready':
      return true;
    case 'call':
      return callStore(argument as StoreCall);
    case 'download':
      return (await downloaded(argument as string)).root;
    case 'generate':
      return generate(argument as string);
    default:
      throw new Error(`Unknown command ${command}.`);
  }
}

serveCommands(perform);
