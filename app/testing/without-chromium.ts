import { describe, it } from 'vitest';

describe.skip('components (skipped: no Chromium here; install it, or set CHROMIUM to its path)', () => {
  it('are shown in a browser', () => undefined);
});
