import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, NO_CHROMIUM } from '../../protocol/testing/chromium.ts';
import { startTwoPages, type TwoPages } from '../testing/two-pages.ts';
import { CONNECTIONS } from './connect.ts';

const absent = CHROMIUM === undefined ? NO_CHROMIUM : false;

describe.skipIf(absent)(`two tabs${absent ? ` (skipped: ${absent})` : ''}`, () => {
  let pages: TwoPages;
  beforeAll(async () => {
    pages = await startTwoPages();
  });
  afterAll(() => pages?.stop());

  it('[P-170] send messages over four connections, whole and in order, and see the end after the last', async () => {
    await pages.connect(CONNECTIONS);
    const sizes = [0, 1, 4_588, 300_000, 2_000_000];
    const answered = pages.accepting.evaluate((count) => window.stripingTest.answer(count), sizes.length);
    for (const bytes of sizes) {
      await pages.offering.evaluate((size) => window.stripingTest.time(size), bytes);
    }
    const expected = sizes.map((length) => ({
      length,
      sum: Array.from({ length }, (_, i) => (i * 7) % 251).reduce((sum, byte) => sum + byte, 0),
    }));
    expect(await answered).toEqual(expected);

    const drained = pages.accepting.evaluate(() => window.stripingTest.drain());
    await pages.offering.evaluate(() => window.stripingTest.write(500_000, 8));
    await pages.offering.evaluate(() => window.stripingTest.close());
    expect(await drained).toBe(8);
  });

  it('[P-173] see the end when the other tab is closed', async () => {
    const own = await startTwoPages();
    try {
      await own.connect(CONNECTIONS);
      const drained = own.accepting.evaluate(() => window.stripingTest.drain());
      await own.offering.close();
      expect(await drained).toBe(0);
    } finally {
      await own.stop();
    }
  });
});
