/** `npm run fuzz`: tries inputs on everything that takes input from strangers. */
import { fileURLToPath } from 'node:url';
import { runProcess } from '../node/home/command-line.ts';
import { runFuzzCommand } from './command.ts';

await runProcess((signal) =>
  runFuzzCommand({
    argv: process.argv.slice(2),
    print: (line) => console.log(line),
    home: fileURLToPath(new URL('../.starling/fuzz', import.meta.url)),
    signal,
  }),
);
