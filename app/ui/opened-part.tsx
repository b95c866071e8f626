import type { ReactNode } from 'react';
import type { Opened } from './use-opened.ts';

interface OpenedPartProps<T> {
  readonly opened: Opened<T>;
  /** Test id of the failure's sentence. */
  readonly testId: string;
  readonly children: (value: T) => ReactNode;
}

/** A part of a screen that needs something opened first. It shows the waiting and the failure, too. */
export function OpenedPart<T>({ opened, testId, children }: OpenedPartProps<T>) {
  switch (opened.kind) {
    case 'opening':
      return <p className="text-note text-quiet">Opening…</p>;
    case 'failed':
      return (
        <p className="text-body text-bad" role="status" data-testid={testId}>
          {opened.cause}
        </p>
      );
    case 'open':
      return children(opened.value);
  }
}
