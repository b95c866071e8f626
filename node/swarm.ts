/** `npm run swarm`: opens, lists and shows swarms, and leaves one. */
import { runProcess } from './home/command-line.ts';
import { runSwarmCommand } from './swarms/command.ts';

await runProcess(async (signal) => {
  await runSwarmCommand({
    argv: process.argv.slice(2),
    state: process.env.STARLING_HOME ?? '.starling',
    print: (line) => console.log(line),
    signal,
  });
  return 0;
});
