/** A worker that a browser test drives: downloads a model into the private file system, opens it there and lets it speak. */
import { createWasmEngine } from '../../../compute/engines/wasm/engine.ts';
import { FrozenSession } from '../../decoder/frozen-session.ts';
import { downloadModel } from '../download.ts';
import { openModel } from '../open-model.ts';
import { openOpfsStore } from '../opfs-store.ts';
import { storeSource } from '../store.ts';

async function perform(command: string, baseUrl: string): Promise<unknown> {
  if (command === 'ready') return true;
  const store = await openOpfsStore(['loading-test']);
  const { root, files } = await downloadModel({ baseUrl, store, retries: 0 });
  if (command === 'download') return root;
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

addEventListener('message', ({ data: { id, command, baseUrl } }) => {
  perform(command, baseUrl).then(
    (value) => postMessage({ id, value }),
    (error: Error) => postMessage({ id, error: { name: error.name, message: error.message } }),
  );
});
