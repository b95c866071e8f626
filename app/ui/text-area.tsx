import { type TextareaHTMLAttributes, useId } from 'react';

interface TextAreaProps
  extends Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'id' | 'className' | 'onChange'> {
  readonly label: string;
  readonly testId: string;
  readonly onChange: (text: string) => void;
}

/** A text of several lines that a person types. */
export function TextArea({ label, testId, onChange, ...rest }: TextAreaProps) {
  const id = useId();
  return (
    <>
      <label htmlFor={id} className="text-note font-medium">
        {label}
      </label>
      <textarea
        id={id}
        data-testid={testId}
        onChange={(event) => onChange(event.target.value)}
        className="mt-1 block w-full rounded-lg border border-line-strong/60 bg-raised px-3 py-2 text-body placeholder:text-quiet disabled:opacity-60"
        {...rest}
      />
    </>
  );
}
