import { wrap } from 'comlink';
import { expect, it } from 'vitest';
import type { FailingService } from '../testing/failing.worker.ts';
import { startServiceThread, ThreadError } from './service-thread.ts';

const crashes: ThreadError[] = [];
const start = () =>
  startServiceThread({
    program: new URL('../testing/failing.worker.ts', import.meta.url),
    data: { greeting: 'hello' },
    work: 'fails',
    onCrash: (error) => crashes.push(error),
  });

it('serves what the program makes of its data, and tells of no crash when it is ended', async () => {
  const thread = start();
  expect(await wrap<FailingService>(thread.endpoint).greeting()).toBe('hello');
  expect(thread.hasEnded()).toBe(false);
  await thread.terminate();
  expect(thread.hasEnded()).toBe(true);
  expect(crashes).toEqual([]);
});

it('tells of a thread that ends by itself, once, and lets no call wait for it', async () => {
  const thread = start();
  const service = wrap<FailingService>(thread.endpoint);
  await service.greeting();
  void service.exit(3);
  await expect(thread.ended).rejects.toThrow(ThreadError);
  expect(thread.hasEnded()).toBe(true);
  await thread.terminate();
  expect(crashes.map(({ message }) => message)).toEqual([
    'The thread that fails ended: exit code 3. Start again.',
  ]);
});
