/** `npm run pipeline`: trains a model in blocks with members in threads. */
import { runProcess } from './home/command-line.ts';
import { runPipelineCommand } from './pipeline/command.ts';

await runProcess((signal) =>
  runPipelineCommand({ argv: process.argv.slice(2), print: (line) => console.log(line), signal }),
);
