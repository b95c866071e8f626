/** The outcome of a command. */
export type CommandReply =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly name: string; readonly message: string };

/** Answers the commands of chromium-worker.ts in this worker. */
export function serveCommands(perform: (command: string, argument: never) => Promise<unknown>): void {
  addEventListener('message', ({ data: { id, command, argument } }) => {
    perform(command, argument as never).then(
      (value) => postMessage({ id, reply: { kind: 'value', value } satisfies CommandReply }),
      ({ name, message }: Error) =>
        postMessage({ id, reply: { kind: 'error', name, message } satisfies CommandReply }),
    );
  });
}
