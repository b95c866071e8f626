import { useId } from 'react';

interface FieldProps {
  readonly label: string;
  readonly unit?: string;
  readonly value: string;
  readonly testId: string;
  readonly disabled?: boolean;
  /** Narrower and lower, for a field beside a button. */
  readonly compact?: boolean;
  /** What is typed. Defaults to a number. */
  readonly kind?: 'number' | 'text';
  /** What it does, in a sentence below it. */
  readonly about?: string;
  readonly onChange: (value: string) => void;
}

/** A number or a short text that a person types, with its unit. */
export function Field(props: FieldProps) {
  const { label, unit, value, testId, disabled = false, compact = false, onChange } = props;
  const { kind = 'number', about } = props;
  const id = useId();
  return (
    <div className={disabled ? 'opacity-60' : ''}>
      <label htmlFor={id} className={`text-note ${compact ? 'text-quiet' : 'font-medium'}`}>
        {label}
      </label>
      <div
        className={`mt-1 flex items-center gap-2 rounded-lg border border-line-strong/60 bg-raised px-3 focus-within:outline-2 focus-within:outline-accent ${compact ? 'w-44' : ''}`}
      >
        <input
          id={id}
          data-testid={testId}
          inputMode={kind === 'number' ? 'decimal' : 'text'}
          aria-describedby={about === undefined ? undefined : `${id}-about`}
          autoComplete="off"
          value={value}
          disabled={disabled}
          onChange={(event) => onChange(event.target.value)}
          className={`figure w-full min-w-0 bg-transparent text-body outline-none ${compact ? 'min-h-9' : 'min-h-11'}`}
        />
        {unit === undefined ? null : (
          <label htmlFor={id} className="text-note text-quiet">
            {unit}
          </label>
        )}
      </div>
      {about === undefined ? null : (
        <p id={`${id}-about`} className="mt-1 text-note text-quiet text-pretty">
          {about}
        </p>
      )}
    </div>
  );
}

/** One field of a draft: a text under a name. */
export interface DraftField<Name extends string> {
  readonly name: Name;
  readonly label: string;
  readonly unit?: string;
  readonly testId: string;
  readonly disabled?: boolean;
}

interface FieldsProps<Name extends string> {
  readonly fields: readonly DraftField<Name>[];
  readonly draft: Readonly<Record<Name, string>>;
  readonly disabled?: boolean;
  readonly onChange: (name: Name, value: string) => void;
}

/** The fields of a draft, one after the other. The caller's grid places them. */
export function Fields<Name extends string>({ fields, draft, disabled, onChange }: FieldsProps<Name>) {
  return fields.map((field) => (
    <Field
      key={field.name}
      label={field.label}
      unit={field.unit}
      testId={field.testId}
      value={draft[field.name]}
      disabled={disabled === true || field.disabled === true}
      onChange={(value) => onChange(field.name, value)}
    />
  ));
}
