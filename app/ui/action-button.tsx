import { type ReactNode, useState } from 'react';
import { walletSentence } from '../wallet/wallet-error.ts';
import { Button, type ButtonProps } from './button.tsx';

interface ActProps extends Omit<ButtonProps, 'onClick'> {
  readonly children: ReactNode;
  /** What is said while it goes on. */
  readonly doing: string;
  readonly act: () => Promise<unknown>;
}

/** A button for something that takes a while and may fail; says both beside itself. */
export function Act({ children, doing, act, look = 'small', disabled, ...rest }: ActProps) {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const press = async () => {
    setBusy(true);
    setFailure(null);
    try {
      await act();
    } catch (error) {
      setFailure(walletSentence(error));
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
        {busy ? doing : failure}
      </p>
    </div>
  );
}
