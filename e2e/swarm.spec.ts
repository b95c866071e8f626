import { expect, test } from '@playwright/test';
import { createPublicClient, http } from 'viem';
import { attestationsOf } from './support/attestations.ts';
import { liveConnections, watchConnections } from './support/connections.ts';
import { type Devnet, startDevnet } from './support/devnet.ts';
import { Tab } from './support/tab.ts';

/**
 * Long enough for the tab whose engine is WebGPU on SwiftShader to answer and train within its stages on two
 * cores.
 */
const ROUND_SECONDS = 40;
const ROUND_MS = ROUND_SECONDS * 1000;

test.describe('A swarm of three tabs', () => {
  let devnet: Devnet;
  test.beforeAll(async () => {
    test.setTimeout(600_000);
    devnet = await startDevnet({ arguments: ['--round', String(ROUND_SECONDS)] });
  });
  test.afterAll(async () => devnet?.stop());

  test('trains, attests, outlives its relay and a killed tab', async ({ browser }) => {
    test.setTimeout(15 * ROUND_MS + 180_000);
    const tabs: Tab[] = [];
    for (const [name, engine] of [
      ['first', 'webgpu'],
      ['second', 'wasm'],
      ['third', 'wasm'],
    ] as const) {
      const context = await browser.newContext({ acceptDownloads: true, reducedMotion: 'reduce' });
      await watchConnections(context);
      tabs.push(await Tab.open(context, devnet.network.page, { name, engine }));
    }
    const [first, second, third] = tabs as [Tab, Tab, Tab];

    await test.step('each clicks once and connects to the others directly', async () => {
      for (const tab of tabs) await tab.contribute();
      for (const tab of tabs) await tab.expectFigure('peers', 2, 120_000);
      for (const tab of tabs)
        expect(await liveConnections(tab.page), `${tab.name}: WebRTC`).toBeGreaterThanOrEqual(2);
      await expect(first.page.getByTestId('engine')).toHaveAttribute('data-engine', 'webgpu');
      await expect(second.page.getByTestId('engine')).toHaveAttribute('data-engine', 'wasm');
    });

    await test.step('each finishes three rounds and has them on the chain', async () => {
      for (const tab of tabs) await tab.expectFigure('ledger-computed', 3, 8 * ROUND_MS);
      for (const tab of tabs) await tab.expectFigure('ledger-onchain', 3, 3 * ROUND_MS);
      for (const tab of tabs) await tab.expectFigure('ledger-accepted', 1, ROUND_MS);
    });

    const client = createPublicClient({ transport: http(devnet.network.rpc) });
    const roots = new Set<string>();
    await test.step('the root on the chain is the root of the downloaded weights', async () => {
      for (const tab of tabs) {
        const { root } = await tab.downloadCheckpoint();
        roots.add(root);
        await expect
          .poll(
            async () =>
              (await attestationsOf(client, devnet.network, await tab.deviceAddress())).map(
                (a) => a.checkpointRoot,
              ),
            {
              timeout: 2 * ROUND_MS,
              message: `${tab.name}: ${root} on the chain`,
            },
          )
          .toContain(root);
      }
      expect(roots.size, 'every member keeps weights of its own').toBe(3);
    });

    await test.step('one tab dies in mid-round; the others finish', async () => {
      const before = await second.figure('ledger-computed');
      const thirdBefore = await third.lastRound();
      const address = await third.deviceAddress();
      await expect(third.page.getByTestId('stage')).toContainText(/critique|vote/i, {
        timeout: 2 * ROUND_MS,
      });
      await third.page.close({ runBeforeUnload: false });
      await second.expectFigure('ledger-computed', before + 1, 4 * ROUND_MS);

      const reopened = await Tab.open(third.context, devnet.network.page, {
        name: 'third again',
        engine: 'wasm',
      });
      tabs[2] = reopened;
      expect(await reopened.deviceAddress()).toBe(address);
      expect(
        await reopened.lastRound(),
        'rounds done before the kill are still there',
      ).toBeGreaterThanOrEqual(thirdBefore);
      const kept = await reopened.figure('ledger-computed');
      await reopened.contribute();
      await reopened.expectFigure('ledger-computed', kept + 1, 4 * ROUND_MS);
    });

    await test.step('the relay is stopped; the next round still completes', async () => {
      for (const tab of tabs) await tab.expectFigure('peers', 2, 120_000);
      const pid = devnet.network.processes.relay;
      process.kill(pid, 'SIGKILL');
      const before = await Promise.all(tabs.map((tab) => tab.figure('ledger-computed')));
      for (const [index, tab] of tabs.entries())
        await tab.expectFigure('ledger-computed', (before[index] ?? 0) + 2, 5 * ROUND_MS);
      for (const tab of tabs) expect(await tab.figure('peers')).toBeGreaterThanOrEqual(2);
      for (const tab of tabs) expect(tab.errors, `${tab.name}: errors in the page`).toEqual([]);
    });
  });
});
