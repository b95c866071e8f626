export interface SelectOption<T extends string> {
  readonly value: T;
  readonly text: string;
}

interface SelectProps<T extends string> {
  /** Id of the element, for the label that the caller places. */
  readonly id: string;
  readonly value: T;
  readonly options: readonly SelectOption<T>[];
  readonly testId: string;
  readonly disabled?: boolean;
  readonly onChange: (value: T) => void;
  /** Size and place. */
  readonly className: string;
}

/** One choice of several. */
export function Select<T extends string>(props: SelectProps<T>) {
  const { id, value, options, testId, disabled = false, onChange, className } = props;
  return (
    <select
      id={id}
      data-testid={testId}
      value={value}
      disabled={disabled}
      onChange={(event) => {
        const chosen = options.find((option) => option.value === event.target.value);
        if (chosen !== undefined) onChange(chosen.value);
      }}
      className={`rounded-lg border border-line-strong/60 bg-raised px-3 disabled:opacity-60 ${className}`}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.text}
        </option>
      ))}
    </select>
  );
}
