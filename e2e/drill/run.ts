import { spawn } from 'node:child_process';

/** A program of the system said no. The message has its name, its arguments and what it wrote. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}

/** Runs a program to its end, with `input` on its standard input. Resolves with what it wrote. */
export function run(program: string, argv: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { stdio: ['pipe', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => {
        text += data.toString();
      });
    const said = () => `${[program, ...argv].join(' ')}: ${text.trim().slice(0, 400)}`;
    child.once('error', (cause) => reject(new ProgramError(said(), { cause })));
    child.once('close', (code) => (code === 0 ? resolve(text) : reject(new ProgramError(said()))));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
