import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ADDRESS = new URL('./command-line.ts', import.meta.url).href;
const ENDLESS = `
  import { runProcess } from '${ADDRESS}';
  await runProcess(async () => {
    for (let n = 0; ; n++) {
      console.log('line ' + n);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
`;

it('a command ends without a word when whoever reads its lines has gone', async () => {
  const script =
    'set -o pipefail; "$0" --import tsx --input-type=module -e "$1" | head -2; echo "ended with $?"';
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script, process.execPath, ENDLESS]);
  expect(stderr).toBe('');
  expect(stdout).toBe('line 0\nline 1\nended with 141\n');
});
