import { describe, it } from 'vitest';

/**
 * Stands for the component tests on a machine without Chromium: a run there counts one skipped test with its
 * reason, rather than none. Where Chromium is installed, app/vitest.config.ts runs the real ones instead.
 */
describe.skip('components (skipped: no Chromium here; install it, or set CHROMIUM to its path)', () => {
  it('are shown in a browser', () => undefined);
});
