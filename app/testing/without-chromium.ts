import { describe, it } from 'vitest';
import { NO_CHROMIUM } from '../../protocol/testing/chromium.ts';

/**
 * Stands for the component tests on a machine without Chromium: a run there counts one skipped test with its
 * reason, rather than none. Where Chromium is installed, app/vitest.config.ts runs the real ones instead. So
 * the skip leaves out nothing that could run: npm test installs Chromium where it may.
 */
describe.skip(`components (skipped: ${NO_CHROMIUM})`, () => {
  it('are shown in a browser', () => undefined);
});
