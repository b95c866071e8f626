/** Deploys the contracts to a chain and writes a network file: `npm run deploy -- --help`. */
import { createInterface } from 'node:readline/promises';
import { runDeployCommand } from './deploy/command.ts';
import { runProcess } from './home/command-line.ts';

await runProcess(async (signal) => {
  const done = await runDeployCommand({
    argv: process.argv.slice(2),
    print: (line) => console.log(line),
    async ask(question) {
      const terminal = createInterface({ input: process.stdin, output: process.stdout });
      try {
        return await terminal.question(question, { signal });
      } finally {
        terminal.close();
      }
    },
    signal,
  });
  return done ? 0 : 1;
});
