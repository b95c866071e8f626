import { useId } from 'react';

interface PassphraseFieldProps {
  readonly label: string;
  readonly value: string;
  readonly testId: string;
  /** Whether the person makes the passphrase up now, so that a password manager may offer one. */
  readonly fresh?: boolean;
  /** What is wrong with it, shown below the field; null when nothing is. */
  readonly problem?: string | null;
  readonly disabled?: boolean;
  readonly onChange: (value: string) => void;
}

/** A passphrase that a person types. The browser hides its characters. */
export function PassphraseField(props: PassphraseFieldProps) {
  const { label, value, testId, fresh = false, problem = null, disabled = false, onChange } = props;
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="text-note font-medium">
        {label}
      </label>
      <input
        id={id}
        data-testid={testId}
        type="password"
        autoComplete={fresh ? 'new-password' : 'current-password'}
        value={value}
        maxLength={1024}
        disabled={disabled}
        aria-invalid={problem !== null}
        aria-describedby={problem === null ? undefined : `${id}-problem`}
        onChange={(event) => onChange(event.target.value)}
        className="mt-1 min-h-11 w-full rounded-lg border border-line-strong/60 bg-raised px-3 text-body outline-none focus-visible:outline-2 focus-visible:outline-accent"
      />
      {problem === null ? null : (
        <p id={`${id}-problem`} className="mt-1 text-note text-quiet">
          {problem}
        </p>
      )}
    </div>
  );
}
