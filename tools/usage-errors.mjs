/**
 * A wrong flag ends any program of the house with a sentence and code 2, not with a stack. Imported before
 * the program: what node:util's parseArgs throws comes here when the program does not catch it itself.
 */
import { relative } from 'node:path';
import { root } from './command.mjs';

process.on('uncaughtException', (error) => {
  if (String(error?.code).startsWith('ERR_PARSE_ARGS_')) {
    console.error(error.message);
    console.error(`The first lines of ${relative(root, process.argv[1])} tell its flags.`);
    process.exit(2);
  }
  console.error(error);
  process.exit(1);
});
