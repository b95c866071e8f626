import { expect, it } from 'vitest';
import type { PipelineMessage } from '../../pipeline/runtime/messages.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import { VersionRequests } from './version-requests.ts';

const me: DeviceAddress = `0x${'aa'.repeat(20)}`;
const keepers: readonly DeviceAddress[] = [`0x${'01'.repeat(20)}`, `0x${'02'.repeat(20)}`];

/** Asks for a block's version each second, as a session does, with steps that begin at these seconds. */
async function ask(bytes: number, seconds: number, steps: readonly number[] = [0]) {
  const scheduler = new SimulatedScheduler();
  const sent: { second: number; to: DeviceAddress; message: PipelineMessage }[] = [];
  const requests = new VersionRequests({
    device: me,
    scheduler,
    bytesOf: () => bytes,
    send: (to, message) => void sent.push({ second: scheduler.now() / 1_000, to, message }),
  });
  for (let second = 0; second < seconds; second++) {
    const step = steps.filter((at) => at <= second).length;
    requests.ask('layers.0', step, new Map([['layers.0', [me, ...keepers]]]), [me, ...keepers]);
    await scheduler.advance(1_000);
  }
  return sent;
}

const fetches = (sent: Awaited<ReturnType<typeof ask>>) =>
  sent
    .filter(({ message }) => message.kind === 'fetch')
    .map(({ second, to }) => [second, keepers.indexOf(to)]);

it('[P-149] asks one keeper after the other, less and less often', async () => {
  expect(fetches(await ask(1_000, 60))).toEqual([
    [0, 0],
    [2, 1],
    [5, 0],
    [10, 1],
    [19, 0],
    [36, 1],
    [56, 0],
  ]);
});

it('[P-149] gives a keeper the time that a large file takes', async () => {
  expect(fetches(await ask(12e6, 60)).map(([second]) => second)).toEqual([0, 7, 21, 41]);
});

it('[P-149] asks at once for the version of a step that has begun', async () => {
  expect(fetches(await ask(12e6, 30, [0, 10])).map(([second]) => second)).toEqual([0, 7, 10, 17]);
});

it('[P-150] tells all members with each question, and none that this device comes in to itself', async () => {
  const sent = await ask(1_000, 2);
  expect(sent.filter(({ message }) => message.kind === 'arriving').map(({ to }) => to)).toEqual(keepers);
});
