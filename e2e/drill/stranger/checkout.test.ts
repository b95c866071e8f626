import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Checkout } from './checkout.ts';

describe('Checkout', () => {
  let folder: string;
  let checkout: Checkout;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling checkout '));
    checkout = new Checkout(folder, new AbortController().signal);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('runs a command in its folder, without what npm told this process', async () => {
    const before = process.env.npm_lifecycle_event;
    process.env.npm_lifecycle_event = 'drill';
    try {
      const text = await checkout.run(['sh', '-c', 'pwd; echo "[$npm_lifecycle_event]"; cat'], {
        input: 'yes',
      });
      expect(text).toBe(`${folder}\n[]\nyes`);
    } finally {
      if (before === undefined) delete process.env.npm_lifecycle_event;
      else process.env.npm_lifecycle_event = before;
    }
  });

  it('rejects a code other than expected, with what was printed', async () => {
    await expect(checkout.run(['sh', '-c', 'echo sorry; exit 3'])).rejects.toThrow(
      /ended with code 3: sorry/,
    );
    expect(await checkout.run(['sh', '-c', 'exit 1'], { code: 1 })).toBe('');
  });

  it('waits for the ready line of a command that goes on, and stops all that it started', async () => {
    const running = await checkout.start(['sh', '-c', 'sleep 0.1; echo Ready: here; sleep 600'], /^Ready: /m);
    expect(running.text).toContain('Ready: here');
    await running.stop();
  });

  it('rejects a command that ends before it is ready', async () => {
    await expect(checkout.start(['sh', '-c', 'echo broken'], /^Ready: /m)).rejects.toThrow(
      /ended with code 0: broken/,
    );
  });
});
