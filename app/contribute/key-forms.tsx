import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { MIN_PASSPHRASE, passphraseProblem } from '../../protocol/passphrase-encryption.ts';
import { Button } from '../ui/button.tsx';
import { PassphraseField } from '../ui/passphrase-field.tsx';
import type { KeyFundsView } from './use-key-funds.ts';

interface FormProps {
  readonly testId: string;
  readonly ready: boolean;
  readonly submit: string;
  readonly busy: string;
  readonly onSubmit: () => Promise<void>;
  readonly onCancel: () => void;
  readonly children: ReactNode;
}

/** A small form below the buttons of the key. Escape closes it. */
function KeyForm({ testId, ready, submit, busy, onSubmit, onCancel, children }: FormProps) {
  const [working, setWorking] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  // Whoever opened it by keyboard goes on in it, and comes back to the button when it closes.
  useEffect(() => {
    const before = document.activeElement;
    form.current?.querySelector<HTMLElement>('input, button')?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (!ready || working) return;
    setWorking(true);
    await onSubmit();
    setWorking(false);
  };
  return (
    <form
      ref={form}
      className="mt-3 space-y-3 rounded-xl bg-sunken px-4 py-3"
      data-testid={testId}
      onSubmit={(event) => void send(event)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onCancel();
      }}
    >
      {children}
      <div className="flex flex-wrap items-center gap-2">
        <Button look="small" type="submit" data-testid={`${testId}-go`} disabled={!ready || working}>
          {submit}
        </Button>
        <Button look="text" disabled={working} onClick={onCancel}>
          Cancel
        </Button>
        <p role="status" className="text-note text-quiet">
          {working ? busy : ''}
        </p>
      </div>
    </form>
  );
}

interface SaveFormProps {
  readonly onSave: (passphrase: string) => Promise<void>;
  readonly onCancel: () => void;
}

/** Asks for the passphrase of a copy, twice, because nobody can recover it. */
export function SaveForm({ onSave, onCancel }: SaveFormProps) {
  const [passphrase, setPassphrase] = useState('');
  const [again, setAgain] = useState('');
  const problem = passphrase === '' ? null : passphraseProblem(passphrase);
  const differs = again !== '' && again !== passphrase;
  return (
    <KeyForm
      testId="key-save"
      ready={passphrase !== '' && problem === null && again === passphrase}
      submit="Save"
      busy="Encrypting…"
      onSubmit={() => onSave(passphrase)}
      onCancel={onCancel}
    >
      <p className="text-note text-quiet">
        The file is encrypted with a passphrase of at least {MIN_PASSPHRASE} characters. Keep both, apart from
        each other.
      </p>
      <PassphraseField
        label="Passphrase"
        testId="key-passphrase"
        fresh
        value={passphrase}
        problem={problem}
        onChange={setPassphrase}
      />
      <PassphraseField
        label="The same again"
        testId="key-passphrase-again"
        fresh
        value={again}
        problem={differs ? 'The two differ.' : null}
        onChange={setAgain}
      />
    </KeyForm>
  );
}

interface RestoreFormProps {
  readonly onRestore: (passphrase: string) => Promise<void>;
  readonly onCancel: () => void;
}

/** Asks for the passphrase that a copy was saved with. */
export function RestoreForm({ onRestore, onCancel }: RestoreFormProps) {
  const [passphrase, setPassphrase] = useState('');
  return (
    <KeyForm
      testId="key-open"
      ready={passphrase !== ''}
      submit="Restore"
      busy="Decrypting…"
      onSubmit={() => onRestore(passphrase)}
      onCancel={onCancel}
    >
      <PassphraseField
        label="Passphrase of this copy"
        testId="key-passphrase"
        value={passphrase}
        onChange={setPassphrase}
      />
    </KeyForm>
  );
}

interface NewKeyFormProps {
  readonly funds: KeyFundsView;
  readonly onRenew: () => Promise<void>;
  readonly onCancel: () => void;
}

/** Says what a new key changes before it is made. */
export function NewKeyForm({ funds, onRenew, onCancel }: NewKeyFormProps) {
  const { present } = funds;
  const some = present !== null && present.balance + present.credit > 0n;
  return (
    <KeyForm
      testId="key-renew"
      ready={present === null || present.bonded === 0n}
      submit="Make a new key"
      busy="Asking the chain…"
      onSubmit={onRenew}
      onCancel={onCancel}
    >
      <p className="text-note">
        Do this when somebody else may have the key. The device goes by a new key from then on, and the rounds
        so far stay with the old one.
      </p>
      {some ? (
        <p className="text-note text-warn">
          The old key still has coin. Send it to the owner first. It is kept here, so you also can later.
        </p>
      ) : null}
      {present !== null && present.bonded > 0n ? (
        <p className="text-note text-warn">
          Bonds of this key are at stake, and only it can defend them. Wait until they are decided.
        </p>
      ) : null}
    </KeyForm>
  );
}
