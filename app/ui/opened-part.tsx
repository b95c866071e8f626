import type { ReactNode } from 'react';
import { Button } from './button.tsx';
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
        <div className="space-y-3">
          <p className="text-body text-bad" role="status" data-testid={testId}>
            {opened.cause}
          </p>
          <Button look="small" onClick={opened.again}>
            Try again
          </Button>
        </div>
      );
    case 'open':
      return children(opened.value);
  }
}
