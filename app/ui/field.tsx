import { useId } from 'react';

interface FieldProps {
  readonly label: string;
  readonly unit?: string;
  readonly value: string;
  readonly testId: string;
  readonly disabled?: boolean;
  readonly onChange: (value: string) => void;
}

/** A number that a person types, with its unit. */
export function Field({ label, unit, value, testId, disabled = false, onChange }: FieldProps) {
  const id = useId();
  return (
    <div className={disabled ? 'opacity-60' : ''}>
      <label htmlFor={id} className="text-note font-medium">
        {label}
      </label>
      <div className="mt-1 flex items-center gap-2 rounded-lg border border-line-strong/60 bg-raised px-3 focus-within:outline-2 focus-within:outline-accent">
        <input
          id={id}
          data-testid={testId}
          inputMode="decimal"
          autoComplete="off"
          value={value}
          disabled={disabled}
          onChange={(event) => onChange(event.target.value)}
          className="figure min-h-11 w-full min-w-0 bg-transparent text-body outline-none"
        />
        {unit === undefined ? null : <span className="text-note text-quiet">{unit}</span>}
      </div>
    </div>
  );
}
