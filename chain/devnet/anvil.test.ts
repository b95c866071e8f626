import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { connect } from '../network.ts';
import { NO_ANVIL, startAnvil } from './anvil.ts';

describe.skipIf(NO_ANVIL !== undefined)(`anvil${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`, () => {
  it('takes the next port when the first is busy, and stops', async () => {
    const busy = createServer();
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    const address = busy.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const anvil = await startAnvil({ port, chainId: 901 });
    expect(anvil.port).toBeGreaterThan(port);
    expect(await connect(anvil).getChainId()).toBe(901);
    await anvil.stop();
    await expect(connect(anvil).getChainId()).rejects.toThrow();
    busy.close();
  });

  it('mines by the clock when told to', async () => {
    const anvil = await startAnvil({ blockTime: 1 });
    const client = connect(anvil);
    const first = await client.getBlockNumber({ cacheTime: 0 });
    await expect
      .poll(() => client.getBlockNumber({ cacheTime: 0 }), { timeout: 60_000 })
      .toBeGreaterThan(first);
    await anvil.stop();
  });

  it('dies with its signal', async () => {
    const ended = new AbortController();
    const anvil = await startAnvil({ signal: ended.signal });
    ended.abort();
    await anvil.exited;
    await expect(startAnvil({ signal: ended.signal })).rejects.toThrow();
  });
});
