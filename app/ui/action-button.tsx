import { type ReactNode, useState } from 'react';
import { messageOf } from '../../protocol/message-of.ts';
import { Button, type ButtonProps } from './button.tsx';

export interface ActionButtonProps extends Omit<ButtonProps, 'onClick'> {
  readonly children: ReactNode;
  /** What the page says while the action is in progress. */
  readonly busyText: string;
  readonly action: () => Promise<unknown>;
  /** A failure as a sentence for a person. Defaults to the error's message. */
  readonly explain?: (error: unknown) => string;
}

/**
 * A button for something that takes a while and may fail. It is disabled meanwhile, and shows progress and
 * failure beside itself.
 */
export function ActionButton(props: ActionButtonProps) {
  const { children, busyText, action, explain = messageOf, look = 'small', disabled, ...rest } = props;
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const press = async () => {
    setBusy(true);
    setFailure(null);
    try {
      await action();
    } catch (error) {
      setFailure(explain(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <Button look={look} disabled={busy || disabled} onClick={() => void press()} {...rest}>
        {children}
      </Button>
      <p role="status" className={`text-note ${failure === null ? 'text-quiet' : 'text-bad'}`}>
        {busy ? busyText : failure}
      </p>
    </div>
  );
}
