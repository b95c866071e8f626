/** Relay, archive and submitter of a network: `npm run serve -- --help`. */
import '../swarm/node20.ts';
import { runProcess } from './home/command-line.ts';
import { runServeCommand } from './serve/command.ts';

await runProcess((signal) =>
  runServeCommand({ argv: process.argv.slice(2), print: (line) => console.log(line), signal }),
);
